//! What a thief of the file finds.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use zalt_core::attempt::{ChallengePurpose, ChallengeStrategy, NewSignUp, Proof, SignInProgress};
use zalt_core::id::MessageId;
use zalt_core::identifier::EmailAddress;
use zalt_core::message::{Mail, Mailer, Notice, SendError};
use zalt_core::password::Password;
use zalt_core::secret::EncryptionKeys;
use zalt_core::session::{SessionCredentials, SignedIn, Transport};
use zalt_core::user::{Metadata, Profile};
use zalt_core::{RequestContext, SystemRng, Worker, Zalt};
use zalt_store_sqlite::SqliteStore;

use crate::support::{Folder, block_on};

const ADA: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery";

#[derive(Debug, Clone, Default)]
struct Outbox(Arc<Mutex<Vec<Mail>>>);

#[async_trait]
impl Mailer for Outbox {
    async fn send(&self, _id: MessageId, mail: &Mail) -> Result<(), SendError> {
        self.0.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

impl Outbox {
    fn latest(&self, worker: &Worker) -> (String, Option<String>) {
        block_on(worker.send_due()).unwrap();
        match self.0.lock().unwrap().last().unwrap().notice.clone() {
            Notice::VerifyEmailAddress { code, link, .. }
            | Notice::SignIn { code, link, .. }
            | Notice::ResetPassword { code, link, .. } => (code, link),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_file_holds_no_secret_that_anybody_could_use() {
    let folder = Folder::new();
    let outbox = Outbox::default();
    let encryption_key = EncryptionKeys::generate(&SystemRng).unwrap().to_string();
    let store = SqliteStore::open(folder.file()).unwrap();
    let keys = EncryptionKeys::parse(&encryption_key).unwrap();
    let built = Zalt::builder(store, keys, "https://auth.example.com")
        .mailer(outbox.clone())
        .build();
    let (zalt, worker) = block_on(built).unwrap();
    let request = RequestContext::internal();
    let mut secrets = HashSet::from([PASSWORD.to_owned(), encryption_key]);

    let new = NewSignUp {
        email_address: EmailAddress::parse(ADA).unwrap(),
        password: Some(Password::parse(PASSWORD).unwrap()),
        username: None,
        profile: Profile::default(),
        unsafe_metadata: Metadata::default(),
        strategy: ChallengeStrategy::EmailLink,
        transport: Transport::Bearer,
    };
    let started = block_on(zalt.sign_ups().create(&request, new)).unwrap();
    secrets.insert(started.token.expose().to_string());
    let (code, link) = outbox.latest(&worker);
    secrets.insert(token_of(&link.unwrap()));
    let (sign_ups, proof) = (zalt.sign_ups(), Proof::code(&code));
    let done = sign_ups.attempt_proof(&request, &started.token, &proof);
    let done = block_on(done).unwrap().into_session().unwrap();
    secrets.extend(credentials(&done));

    let password = Password::parse(PASSWORD).unwrap();
    let sign_ins = zalt.sign_ins();
    let signed_in = sign_ins.with_password(&request, ADA, password, Transport::Cookie);
    let signed_in = block_on(signed_in).and_then(SignInProgress::into_session);
    secrets.extend(credentials(&signed_in.unwrap()));
    let started = block_on(sign_ins.create(&request, ADA, Transport::Cookie)).unwrap();
    secrets.insert(started.token.expose().to_string());
    let (purpose, strategy) = (
        ChallengePurpose::ResetPassword,
        ChallengeStrategy::EmailLink,
    );
    block_on(sign_ins.prepare(&request, &started.token, purpose, strategy)).unwrap();
    // Sent and gone, and one that is still queued.
    secrets.insert(token_of(&outbox.latest(&worker).1.unwrap()));
    block_on(sign_ins.prepare(&request, &started.token, purpose, strategy)).unwrap();

    let mut found_address = false;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        found_address |= holds(ADA.as_bytes());
        for secret in &secrets {
            assert!(!holds(secret.as_bytes()), "{secret}");
            // Tokens are base64 of what they hold: neither in that form.
            if let Some(raw) = raw_secret(secret) {
                assert!(!holds(&raw), "{secret} as bytes");
            }
        }
    }
    assert!(found_address, "this looks in the wrong place");
}

fn credentials(signed_in: &SignedIn) -> Vec<String> {
    match &signed_in.credentials {
        SessionCredentials::Cookie(token) => vec![token.expose().to_string()],
        SessionCredentials::Bearer {
            access_token,
            refresh_token,
            ..
        } => vec![access_token.to_string(), refresh_token.expose().to_string()],
    }
}

fn token_of(link: &str) -> String {
    link.split_once("token=").unwrap().1.to_owned()
}

/// The last 32 bytes of one of our opaque tokens: its secret, without the id in front.
fn raw_secret(token: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let body = token.strip_prefix('z')?.split_once('_')?.1;
    let mut bits = body.bytes().flat_map(|letter| {
        let digit = ALPHABET.iter().position(|known| *known == letter).unwrap();
        (0..6).rev().map(move |place| digit >> place & 1 == 1)
    });
    let mut bytes = Vec::new();
    loop {
        let byte: Vec<bool> = bits.by_ref().take(8).collect();
        if byte.len() < 8 {
            break;
        }
        bytes.push(byte.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit)));
    }
    Some(bytes.split_off(bytes.len() - 32))
}
