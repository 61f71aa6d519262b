use proptest::prelude::*;
use zalt_core::attempt::{ChallengePurpose, ChallengeStrategy};
use zalt_core::session::AuthenticationMethod;

/// Which of two people.
pub(super) type Who = usize;
/// Which of the attempts or sessions so far.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which {
    /// The newest for which the step is meant, so that steps build on each other.
    Fitting,
    /// Whichever, counted from the newest and around.
    Any(usize),
}

/// What is shown where something is to be proved.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shown {
    Right,
    Wrong,
    /// What was right once and counted already, or was replaced.
    Used,
    /// What is right for the other person.
    Others,
}

/// What is shown as a second factor.
#[derive(Debug, Clone, Copy)]
pub(super) enum Second {
    Totp(Shown),
    RecoveryCode(Shown),
}

/// What answers where a passkey is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Right,
    /// The right one, without having checked who is there.
    Unverified,
    /// The right one, with a signature, or for an origin, that is not.
    Corrupt,
    /// One that was the account's once.
    Removed,
    /// An answer that was given before.
    Replayed,
    /// The other person's.
    Others,
}

impl Key {
    pub(super) const fn proves(self) -> AuthenticationMethod {
        match self {
            Self::Unverified => AuthenticationMethod::PasskeyPresence,
            _ => AuthenticationMethod::Passkey,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    // Signing in.
    Begin(Who),
    PasswordAtOnce(Who, Shown),
    Password(Which, Shown),
    Prepare(Which, ChallengePurpose, ChallengeStrategy),
    Code(Which, Shown),
    Link(Which, Shown),
    ClaimResetLink(Which),
    SetPassword(Which, bool),
    SecondFactor(Which, Second),
    /// The same, and the device stands in for it from then on.
    SecondFactorTrusting(Which, Second),
    /// The password, on the device that was trusted last.
    PasswordFromDevice(Who, Shown),
    BeginEnrolment(Which),
    ConfirmEnrolment(Which, Shown),
    PasskeyAtOnce(Who, Key),
    Passkey(Which, Key),
    SecondByPasskey(Which, Key),
    EnrolPasskey(Which, Key),
    // Signed in.
    RegisterPasskey(Which, Key),
    RemovePasskey(Which),
    RaiseByPasskey(Which, Key),
    BeginTotp(Which),
    ConfirmTotp(Which, Shown),
    RemoveTotp(Which),
    NewRecoveryCodes(Which),
    RaiseAssurance(Which, Second),
    Reauthenticate(Which, Shown),
    ChangePassword(Which, Shown, bool),
    EndOthers(Which),
    SignOut(Which),
    // Meanwhile.
    ResetFactors(Who),
    /// Somebody follows the link of the newest mail that tells of a change: it was not theirs.
    Freeze(Who),
    /// The application lifts that.
    Lift(Who),
    /// Somebody who has the password guesses at the second factor, in new attempts, until there are no tries left.
    GuessSecondFactors(Who),
    /// Somebody guesses the password.
    GuessPasswords(Who),
    Wait(u64),
}

impl Step {
    pub(super) fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            72 => Self::of_a_sign_in(),
            48 => Self::of_somebody_signed_in(),
            12 => prop_oneof![
                // The next code; a code's end; the end of what is recent; the end of an attempt and of most waits.
                5 => Just(Self::Wait(31)),
                2 => Just(Self::Wait(299)),
                2 => Just(Self::Wait(601)),
                1 => Just(Self::Wait(3601)),
            ],
            2 => who().prop_map(Self::ResetFactors),
            1 => who().prop_map(Self::Freeze),
            6 => who().prop_map(Self::Lift),
            3 => who().prop_map(Self::GuessSecondFactors),
            3 => who().prop_map(Self::GuessPasswords),
        ]
    }

    fn of_a_sign_in() -> impl Strategy<Value = Self> {
        use ChallengePurpose as P;
        use ChallengeStrategy as S;
        let challenge = (
            prop_oneof![2 => Just(P::SignIn), 1 => Just(P::ResetPassword)],
            prop_oneof![Just(S::EmailCode), Just(S::EmailLink)],
        );
        prop_oneof![
            3 => who().prop_map(Self::Begin),
            4 => (who(), shown()).prop_map(|(a, b)| Self::PasswordAtOnce(a, b)),
            3 => (which(), shown()).prop_map(|(a, b)| Self::Password(a, b)),
            4 => (which(), challenge).prop_map(|(a, (b, c))| Self::Prepare(a, b, c)),
            4 => (which(), shown()).prop_map(|(a, b)| Self::Code(a, b)),
            2 => (which(), shown()).prop_map(|(a, b)| Self::Link(a, b)),
            1 => which().prop_map(Self::ClaimResetLink),
            2 => (which(), any::<bool>()).prop_map(|(a, b)| Self::SetPassword(a, b)),
            5 => (which(), second()).prop_map(|(a, b)| Self::SecondFactor(a, b)),
            3 => (which(), second()).prop_map(|(a, b)| Self::SecondFactorTrusting(a, b)),
            3 => (who(), shown()).prop_map(|(a, b)| Self::PasswordFromDevice(a, b)),
            3 => which().prop_map(Self::BeginEnrolment),
            3 => (which(), shown()).prop_map(|(a, b)| Self::ConfirmEnrolment(a, b)),
            3 => (who(), key()).prop_map(|(a, b)| Self::PasskeyAtOnce(a, b)),
            2 => (which(), key()).prop_map(|(a, b)| Self::Passkey(a, b)),
            3 => (which(), key()).prop_map(|(a, b)| Self::SecondByPasskey(a, b)),
            1 => (which(), key()).prop_map(|(a, b)| Self::EnrolPasskey(a, b)),
        ]
    }

    fn of_somebody_signed_in() -> impl Strategy<Value = Self> {
        prop_oneof![
            4 => which().prop_map(Self::BeginTotp),
            4 => (which(), shown()).prop_map(|(a, b)| Self::ConfirmTotp(a, b)),
            1 => which().prop_map(Self::RemoveTotp),
            3 => (which(), key()).prop_map(|(a, b)| Self::RegisterPasskey(a, b)),
            1 => which().prop_map(Self::RemovePasskey),
            2 => (which(), key()).prop_map(|(a, b)| Self::RaiseByPasskey(a, b)),
            1 => which().prop_map(Self::NewRecoveryCodes),
            4 => (which(), second()).prop_map(|(a, b)| Self::RaiseAssurance(a, b)),
            2 => (which(), shown()).prop_map(|(a, b)| Self::Reauthenticate(a, b)),
            1 => (which(), shown(), any::<bool>()).prop_map(|(a, b, c)| Self::ChangePassword(a, b, c)),
            1 => which().prop_map(Self::EndOthers),
            1 => which().prop_map(Self::SignOut),
        ]
    }
}

fn who() -> impl Strategy<Value = Who> {
    0..2_usize
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![
        5 => Just(Which::Fitting),
        1 => (0..8_usize).prop_map(Which::Any),
    ]
}

fn shown() -> impl Strategy<Value = Shown> {
    prop_oneof![
        5 => Just(Shown::Right),
        2 => Just(Shown::Wrong),
        1 => Just(Shown::Used),
        1 => Just(Shown::Others),
    ]
}

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        6 => Just(Key::Right),
        2 => Just(Key::Unverified),
        1 => Just(Key::Corrupt),
        1 => Just(Key::Removed),
        1 => Just(Key::Replayed),
        1 => Just(Key::Others),
    ]
}

fn second() -> impl Strategy<Value = Second> {
    prop_oneof![
        3 => shown().prop_map(Second::Totp),
        1 => shown().prop_map(Second::RecoveryCode),
    ]
}
