use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use zalt_core::attempt::SignInProgress;
use zalt_core::id::MessageId;
use zalt_core::identifier::EmailAddress;
use zalt_core::message::{Mail, Mailer, SendError};
use zalt_core::password::Password;
use zalt_core::password::danger::insecure_params_for_tests;
use zalt_core::secret::EncryptionKeys;
use zalt_core::session::{Session, SessionCredentials, Transport};
use zalt_core::store::memory::MemoryStore;
use zalt_core::user::{Metadata, NewUser, Profile};
use zalt_core::{Clock, RequestContext, Timestamp, Zalt};

use super::PASSWORD;

/// A session that refresh tokens hold, and the first of them.
pub(super) struct Bearer {
    pub(super) session: Session,
    pub(super) token: String,
}

/// From when on sessions were begun.
pub(super) const SESSIONS_SINCE: Duration = Duration::from_hours(24 * 5);

/// Sessions spread evenly over the time in which sessions were begun, oldest first.
///
/// A refresh token is a MAC that only core makes. So they are made by signing in, somewhere else: in memory and with the
/// cheapest of hashes. The token covers the id and the seed of its session and not whose it is.
pub(super) async fn mint(keys: &EncryptionKeys, count: u32, now: Timestamp) -> Vec<Bearer> {
    let clock = Arc::new(Then(AtomicI64::new(0)));
    let (zalt, _worker) = Zalt::builder(MemoryStore::new(), keys.clone(), "http://localhost:3000")
        .configure(|config| config.hashing.params = insecure_params_for_tests())
        .mailer(Nowhere)
        .clock(clock.clone())
        .build()
        .await
        .unwrap();
    let since = now.unix_millis() - SESSIONS_SINCE.as_millis() as i64;
    clock.0.store(since, Ordering::Relaxed);
    let somebody = RequestContext::internal();
    let password = || Password::parse(PASSWORD).unwrap();
    let new = NewUser {
        email_address: EmailAddress::parse("somebody@example.com").unwrap(),
        username: None,
        password: Some(
            zalt.users()
                .hash_new_password(password(), &[])
                .await
                .unwrap(),
        ),
        profile: Profile::default(),
        unsafe_metadata: Metadata::default(),
    };
    zalt.users().create(&somebody, new).await.unwrap();
    let mut minted = Vec::new();
    for n in 0..count {
        let passed = SESSIONS_SINCE * n / count;
        clock
            .0
            .store(since + passed.as_millis() as i64, Ordering::Relaxed);
        let signed_in = zalt
            .sign_ins()
            .with_password(
                &somebody,
                "somebody@example.com",
                password(),
                Transport::Bearer,
            )
            .await
            .and_then(SignInProgress::into_session)
            .unwrap();
        let SessionCredentials::Bearer { refresh_token, .. } = signed_in.credentials else {
            unreachable!("bearer tokens were asked for")
        };
        minted.push(Bearer {
            session: signed_in.session,
            token: refresh_token.expose().to_string(),
        });
    }
    minted
}

/// The clock of the other place.
#[derive(Debug)]
struct Then(AtomicI64);

impl Clock for Then {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::Relaxed))
    }
}

/// Nobody is told of these sign-ins.
#[derive(Debug)]
struct Nowhere;

#[async_trait]
impl Mailer for Nowhere {
    async fn send(&self, _id: MessageId, _mail: &Mail) -> Result<(), SendError> {
        Ok(())
    }
}
