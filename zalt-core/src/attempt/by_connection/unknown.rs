//! The account at the provider is nobody's yet.

use super::arrival::{Arrived, Origin};
use super::callback::{ConnectionProgress, Started};
use super::known::By;
use crate::attempt::challenge::ChallengeStrategy;
use crate::attempt::model::{AttemptState, PassedFactor, SignIn, SignUp, SignUpStatus};
use crate::attempt::sign_in::pending;
use crate::attempt::step;
use crate::connection::{
    ConnectionAttempt, ConnectionFailure, ConnectionPurpose, ConnectionStatus, Connections,
    LinkingPolicy, ViaConnection,
};
use crate::credential::Arrival;
use crate::error::Error;
use crate::identifier::{EmailAddress, IdentifierValue};
use crate::request::RequestContext;
use crate::secret::AttemptToken;
use crate::session::{AuthenticationMethod, NewSession, Transport};
use crate::store::{Batch, Change};
use crate::user::{Account, Metadata, Profile};

impl Connections<'_> {
    /// Leads somebody on whose account there nobody has. `None` if something was written meanwhile.
    pub(super) async fn unknown(
        &self,
        request: &RequestContext,
        arrived: &Arrived,
        origin: &Origin,
        transport: Transport,
    ) -> Result<Option<ConnectionProgress>, Error> {
        let Some(email) = &arrived.account.email else {
            self.require_sign_up(request, arrived, None).await?;
            return self
                .ask_for_address(request, arrived, origin, transport)
                .await;
        };
        let address = email.address.clone();
        if !email.verified {
            // Whoever writes somebody's address into their profile there must not become them here.
            return self
                .sign_up_by_code(request, arrived, origin, (address, transport))
                .await;
        }
        let key = step::email_key(&email.address);
        let owner = self.zalt.store().account_by_identifier(&key).await?;
        match (owner, self.zalt.config().connection_linking) {
            (Some(owner), LinkingPolicy::VerifiedAddress) => {
                self.link_by_address(request, arrived, origin, (owner, transport))
                    .await
            }
            (Some(owner), LinkingPolicy::ProveAccount) => {
                self.prove_account(request, arrived, origin, (owner, address, transport))
                    .await
            }
            (None, _) if !email.authoritative => {
                // That they had the mailbox once does not make it theirs here: who has it now would come into an account that
                // they are in too.
                self.sign_up_by_code(request, arrived, origin, (address, transport))
                    .await
            }
            (None, _) => {
                self.require_sign_up(request, arrived, Some(&address))
                    .await?;
                self.sign_up(request, arrived, origin, (address, transport))
                    .await
            }
        }
    }

    /// Takes the address that the provider did not tell, and sends a code to it.
    ///
    /// # Errors
    /// [`Error::AttemptNotFound`], [`Error::AttemptStep`], [`Error::SignUpClosed`], [`Error::RateLimited`].
    pub async fn give_email_address(
        &self,
        request: &RequestContext,
        token: &AttemptToken,
        address: EmailAddress,
    ) -> Result<Started, Error> {
        let zalt = self.zalt;
        zalt.take_network_budget(request, b"messages").await?;
        let attempt = self.find(token).await?;
        let AttemptState::Connection(state) = attempt.state.clone() else {
            return Err(Error::AttemptNotFound);
        };
        if state.status != ConnectionStatus::NeedsEmailAddress {
            return Err(Error::AttemptStep);
        }
        zalt.require_sign_up_allowed(Some(&address))?;
        let origin = Origin::Attempt(Box::new(attempt));
        let signing_up = (address, Profile::default(), state.via, state.transport);
        let started = self.verify_address(request, &origin, signing_up).await?;
        started.ok_or(Error::AttemptStep)
    }

    /// Both sides have verified the address, and the application lets that be enough.
    async fn link_by_address(
        &self,
        request: &RequestContext,
        arrived: &Arrived,
        origin: &Origin,
        (owner, transport): (Account, Transport),
    ) -> Result<Option<ConnectionProgress>, Error> {
        let address = arrived
            .account
            .email
            .as_ref()
            .map(|email| step::email_key(&email.address));
        let own = owner.identifiers.iter().find(|identifier| {
            identifier.verified_at.is_some() && Some(identifier.value.key()) == address
        });
        let Some(own) = own else { return Ok(None) };
        let by = By::Address(own.id, Box::new(arrived.pending(self)?));
        self.pass(request, arrived, origin, (&owner, by, transport))
            .await
    }

    /// The address has an account here: whoever came proves that it is theirs, as at any sign-in.
    async fn prove_account(
        &self,
        request: &RequestContext,
        arrived: &Arrived,
        origin: &Origin,
        (owner, address, transport): (Account, EmailAddress, Transport),
    ) -> Result<Option<ConnectionProgress>, Error> {
        let state = SignIn {
            connection: Some(self.pending_via(arrived)?),
            ..SignIn::new(
                Some(IdentifierValue::EmailAddress(address)),
                Some(owner.user.id),
                transport,
            )
        };
        let moved = self.moved(origin, AttemptState::SignIn(state))?;
        let settled = self
            .settle(request, &arrived.via.key, moved.batch())
            .await?;
        let (attempt, token) = moved.written();
        Ok(settled.then_some(ConnectionProgress::ProveAccount(Started { attempt, token })))
    }

    /// Makes a user once they have proved to us that the address is theirs.
    async fn sign_up_by_code(
        &self,
        request: &RequestContext,
        arrived: &Arrived,
        origin: &Origin,
        (address, transport): (EmailAddress, Transport),
    ) -> Result<Option<ConnectionProgress>, Error> {
        self.require_sign_up(request, arrived, Some(&address))
            .await?;
        let via = self.pending_via(arrived)?;
        let signing_up = (address, arrived.profile.clone(), via, transport);
        let started = self.verify_address(request, origin, signing_up).await?;
        Ok(started.map(ConnectionProgress::VerifyAddress))
    }

    /// Makes a user whose mailbox the provider speaks for.
    async fn sign_up(
        &self,
        request: &RequestContext,
        arrived: &Arrived,
        origin: &Origin,
        (address, transport): (EmailAddress, Transport),
    ) -> Result<Option<ConnectionProgress>, Error> {
        let first = match origin {
            Origin::Attempt(attempt) => {
                let mut done = (**attempt).clone();
                if let AttemptState::Connection(state) = &mut done.state {
                    state.status = ConnectionStatus::Complete;
                }
                Change::UpdateAttempt(done)
            }
            Origin::IdToken(used) => (**used).clone(),
        };
        let state = new_sign_up(
            address,
            arrived.profile.clone(),
            self.pending_via(arrived)?,
            transport,
        );
        let zalt = self.zalt;
        let (made, account) = zalt.sign_ups().new_account(request, &state)?;
        let (sign_ins, method) = (zalt.sign_ins(), AuthenticationMethod::Connection);
        if let Some(status) = sign_ins.after_first_factor(&account) {
            // Whoever signs up gets by with no less than who signs in.
            let pending_account = state.connection.and_then(|via| via.pending);
            let state = SignIn {
                status,
                connection: Some(arrived.via.settled()),
                first_factor: Some(PassedFactor {
                    external_account: pending_account.map(|pending| pending.id),
                    ..sign_ins.passed(method, None, &account)
                }),
                ..SignIn::new(
                    Some(IdentifierValue::EmailAddress(state.email_address)),
                    Some(account.user.id),
                    transport,
                )
            };
            let moved = self.moved(origin, AttemptState::SignIn(state))?;
            let passed = sign_ins.first_factor_passed(request, &account, method)?;
            let batch = moved.batch().and(made).event(passed);
            if !self.settle(request, &arrived.via.key, batch).await? {
                return Ok(None);
            }
            let (attempt, token) = moved.written();
            return pending(attempt, token).map(|due| Some(ConnectionProgress::SignIn(due)));
        }
        let new = NewSession::mint(zalt, request, &account.user, transport, vec![method])?;
        let batch = Batch::new().change(first).and(made);
        let (batch, new) = sign_ins.beginning(request, batch, &account, new, Arrival::SignUp)?;
        if !self.settle(request, &arrived.via.key, batch).await? {
            return Ok(None);
        }
        let signed_in = new.signed_in(zalt, account.user)?;
        Ok(Some(ConnectionProgress::SignedUp(signed_in)))
    }

    /// Sends a code to an address that nobody vouches for. Whether it has an account already is told in the mail and nowhere
    /// else. `None` if the attempt was written meanwhile.
    async fn verify_address(
        &self,
        request: &RequestContext,
        origin: &Origin,
        (address, profile, via, transport): (EmailAddress, Profile, ViaConnection, Transport),
    ) -> Result<Option<Started>, Error> {
        let sign_ups = self.zalt.sign_ups();
        let key = via.key.clone();
        let sign_up = new_sign_up(address, profile, via, transport);
        let mut moved = self.moved(origin, AttemptState::SignUp(sign_up))?;
        let strategy = ChallengeStrategy::EmailCode;
        let attempt = &mut moved.attempt;
        let mails = sign_ups.put_first_challenge(request, attempt, strategy);
        let mails = mails.await?;
        let mut batch = moved.batch();
        batch.changes.extend(mails.changes);
        batch.events.extend(mails.events);
        let settled = self.settle(request, &key, batch).await?;
        let (attempt, token) = moved.written();
        Ok(settled.then_some(Started { attempt, token }))
    }

    async fn ask_for_address(
        &self,
        request: &RequestContext,
        arrived: &Arrived,
        origin: &Origin,
        transport: Transport,
    ) -> Result<Option<ConnectionProgress>, Error> {
        let state = ConnectionAttempt {
            via: self.pending_via(arrived)?,
            purpose: ConnectionPurpose::SignIn,
            status: ConnectionStatus::NeedsEmailAddress,
            state: None,
            nonce: String::new(),
            pkce_verifier: None,
            transport,
        };
        let moved = self.moved(origin, AttemptState::Connection(state))?;
        let settled = self
            .settle(request, &arrived.via.key, moved.batch())
            .await?;
        let (attempt, token) = moved.written();
        Ok(
            settled.then_some(ConnectionProgress::NeedsEmailAddress(Started {
                attempt,
                token,
            })),
        )
    }

    fn pending_via(&self, arrived: &Arrived) -> Result<ViaConnection, Error> {
        Ok(ViaConnection {
            pending: Some(arrived.pending(self)?),
            ..arrived.via.clone()
        })
    }

    async fn require_sign_up(
        &self,
        request: &RequestContext,
        arrived: &Arrived,
        address: Option<&EmailAddress>,
    ) -> Result<(), Error> {
        let Err(error) = self.zalt.require_sign_up_allowed(address) else {
            return Ok(());
        };
        let reason = ConnectionFailure::SignUpRefused;
        self.failed(request, None, &arrived.via.key, reason).await;
        Err(error)
    }
}

/// A sign-up through a provider, without a password.
fn new_sign_up(
    email_address: EmailAddress,
    profile: Profile,
    via: ViaConnection,
    transport: Transport,
) -> SignUp {
    SignUp {
        email_address,
        username: None,
        profile,
        unsafe_metadata: Metadata::default(),
        password: None,
        address_taken: false,
        status: SignUpStatus::MissingRequirements,
        challenge: None,
        connection: Some(via),
        transport,
    }
}
