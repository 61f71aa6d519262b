//! Where a sign-up ends: what the user who is made by it finds.

use super::model::{
    Attempt, AttemptState, PassedFactor, SignIn, SignInStatus, SignUp, SignUpStatus,
};
use super::sign_in::{PendingSignIn, SignInProgress, SignIns};
use super::step;
use crate::Zalt;
use crate::connection::ViaConnection;
use crate::credential::Arrival;
use crate::error::Error;
use crate::identifier::IdentifierKind;
use crate::request::RequestContext;
use crate::secret::AttemptToken;
use crate::session::{AuthenticationMethod, NewSession};
use crate::store::Batch;
use crate::user::{Account, User};

/// A user who is about to be made, with what goes into the same commit.
pub(super) struct Arrived {
    /// The attempt as it is to be written.
    pub(super) attempt: Attempt,
    /// The session, unless more is due.
    pub(super) batch: Batch,
    user: User,
    /// The session, or the token with which the attempt goes on.
    next: Result<NewSession, AttemptToken>,
}

impl SignIns<'_> {
    /// Takes a sign-up whose address was verified to its end. By the policy of every sign-in that is a session, or a second
    /// factor to set up: nobody who signs up gets by with less than who signs in.
    pub(super) fn arrive(
        &self,
        request: &RequestContext,
        attempt: &Attempt,
        account: Account,
        token: &AttemptToken,
    ) -> Result<Arrived, Error> {
        let AttemptState::SignUp(sign_up) = &attempt.state else {
            return Err(Error::AttemptNotFound);
        };
        let method = AuthenticationMethod::Email;
        if let Some(status) = self.after_first_factor(&account) {
            let event = self.first_factor_passed(request, &account, method)?;
            return Ok(Arrived {
                attempt: Attempt {
                    state: AttemptState::SignIn(self.going_on(sign_up, &account, status)),
                    // Those were guesses at the address.
                    failed_codes: 0,
                    ..attempt.clone()
                },
                batch: Batch::new().event(event),
                user: account.user,
                next: Err(token.clone()),
            });
        }
        let (user, amr) = (&account.user, vec![method]);
        let new = NewSession::mint(self.zalt, request, user, sign_up.transport, amr)?;
        let (batch, new) = self.beginning(request, Batch::new(), &account, new, Arrival::SignUp)?;
        let done = SignUp {
            status: SignUpStatus::Complete,
            challenge: None,
            // The user has it from here on.
            password: None,
            connection: sign_up.connection.as_ref().map(ViaConnection::settled),
            ..sign_up.clone()
        };
        Ok(Arrived {
            attempt: Attempt {
                state: AttemptState::SignUp(done),
                ..attempt.clone()
            },
            batch,
            user: account.user,
            next: Ok(new),
        })
    }

    /// The sign-in that a sign-up goes on as.
    fn going_on(&self, sign_up: &SignUp, account: &Account, status: SignInStatus) -> SignIn {
        let address = account.primary(IdentifierKind::EmailAddress);
        let method = AuthenticationMethod::Email;
        SignIn {
            status,
            sent_to: address.map(|address| address.id),
            // Where they want to be stays said.
            connection: sign_up.connection.as_ref().map(ViaConnection::settled),
            first_factor: Some(PassedFactor {
                sent_to: address.map(|address| address.id),
                ..self.passed(method, None, account)
            }),
            ..SignIn::new(
                address.map(|address| address.value.clone()),
                Some(account.user.id),
                sign_up.transport,
            )
        }
    }
}

impl Arrived {
    /// What the person is told once all of it is committed.
    pub(super) fn progress(self, zalt: &Zalt) -> Result<SignInProgress, Error> {
        match self.next {
            Ok(new) => new.signed_in(zalt, self.user).map(SignInProgress::Complete),
            Err(token) => Ok(SignInProgress::NeedsMfaEnrollment(PendingSignIn {
                attempt: step::written(self.attempt),
                token: Some(token),
            })),
        }
    }
}
