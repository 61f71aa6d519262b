//! Attempts: a sign-in, a sign-up or the verification of an address, under way.
//!
//! One [`Attempt`] row is one state machine. Whatever moves it, a code, a link or a password, is written as an update that
//! names the version it read: of two requests that redeem one code at once, one wins and the other starts over from
//! what the first left behind.

mod challenge;
mod model;

pub use challenge::{Challenge, ChallengePurpose, ChallengeStrategy};
pub use model::{
    Attempt, AttemptState, EmailVerification, SignIn, SignInStatus, SignUp, SignUpStatus,
};
