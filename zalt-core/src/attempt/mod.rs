//! Attempts: a sign-in, a sign-up or the verification of an address, under way.
//!
//! One [`Attempt`] row is one state machine. Whatever moves it, a code, a link or a password, is written as an update that
//! names the version it read: of two requests that redeem one code at once, one wins and the other starts over from
//! what the first left behind.
//!
//! ```text
//! sign-up   create ─▶ missing_requirements ──code or link──▶ complete (user and session)
//!                                               └──▶ (user) and on as a sign-in at needs_mfa_enrollment
//!
//! sign-in   create ─▶ needs_first_factor ──password, code, link or passkey──▶ complete (session)
//!                       │        ▲    │                                  ▲
//!               code or link     │    ├──▶ needs_second_factor ──code────┤
//!               for a reset  new password                                │
//!                       ▼        │    └──▶ needs_mfa_enrollment ──set up─┘
//!                     needs_new_password
//! ```
//!
//! What is offered to an identifier that nobody owns looks and takes as long as for one that somebody does: the same
//! rows are written, the same hash is computed, and only the mail differs.

mod address_verification;
mod arrival;
mod by_connection;
mod challenge;
mod enroll_passkey;
mod mailbox;
mod model;
mod password;
mod proof;
mod second_factor;
mod second_factor_message;
mod sign_in;
mod sign_in_by_mail;
mod sign_in_by_passkey;
mod sign_up;
mod step;
mod text_message;

pub use address_verification::AddressVerifications;
pub use by_connection::{
    BeginConnection, ConnectionAnswer, ConnectionProgress, ConnectionReturn, IdTokenNonce, Started,
    StartedConnection, StartedIdToken,
};
pub use challenge::{Challenge, ChallengePurpose, ChallengeStrategy};
pub use model::{
    AccountMark, AddressVerification, Attempt, AttemptState, PassedFactor, SignIn, SignInStatus,
    SignUp, SignUpStatus,
};
pub(crate) use password::Tries;
pub use proof::Proof;
pub use second_factor::SecondFactorProof;
pub(crate) use second_factor_message::SentCode;
pub use second_factor_message::StepUp;
pub(crate) use sign_in::account_mark;
pub use sign_in::{PendingSignIn, SignInProgress, SignIns, StartedSignIn};
pub use sign_up::{NewSignUp, SignUps, StartedSignUp};
pub(crate) use step::{begin, find as find_attempt};
