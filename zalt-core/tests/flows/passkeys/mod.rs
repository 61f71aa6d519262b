//! Passkeys, answered by a software authenticator and checked by `zalt-webauthn`.

mod accounts;
mod factors;
mod refusals;
mod sign_ins;
mod vectors;

use serde::Serialize;
use serde_json::Value;
use zalt_core::attempt::{SecondFactorProof, SignInProgress};
use zalt_core::credential::{Credential, CredentialState, NewRecoveryCodes};
use zalt_core::passkey::{AssertionResponse, Passkey, PasskeyRefusal, RegistrationResponse};
use zalt_core::secret::AttemptToken;
use zalt_core::session::{Authenticated, AuthenticationMethod, SignedIn, Transport};
use zalt_core::{Config, Error};
use zalt_test_authenticator::Authenticator;

use crate::second_factors::check;
use crate::support::*;

const ORIGIN: &str = "https://auth.example.com";
const ADA: &str = "ada@example.com";
const BEN: &str = "ben@example.com";

/// A user with a passkey.
struct Owner {
    signed_in: SignedIn,
    authenticator: Authenticator,
    credential: Credential,
    recovery_codes: Option<NewRecoveryCodes>,
}

fn authenticator() -> Authenticator {
    Authenticator::new(ORIGIN)
}

fn owner(app: &App, address: &str) -> Owner {
    let signed_in = app.sign_up(address);
    let mut authenticator = authenticator();
    let (credential, recovery_codes) = register(app, &signed_in, &mut authenticator).unwrap();
    Owner {
        signed_in,
        authenticator,
        credential,
        recovery_codes,
    }
}

/// A session that was just begun with the passkey, and so may change the account.
fn strong(app: &App, owner: &mut Owner) -> Authenticated {
    check(app, &sign_in(app, &mut owner.authenticator).unwrap())
}

/// What a browser sends and is sent.
fn json(options: &impl Serialize) -> Value {
    serde_json::to_value(options).unwrap()
}

fn attestation(response: Value) -> RegistrationResponse {
    serde_json::from_value(response).unwrap()
}

fn assertion(response: Value) -> AssertionResponse {
    serde_json::from_value(response).unwrap()
}

fn proof(response: AssertionResponse) -> SecondFactorProof {
    SecondFactorProof::Passkey(Box::new(response))
}

fn register(
    app: &App,
    signed_in: &SignedIn,
    authenticator: &mut Authenticator,
) -> Result<(Credential, Option<NewRecoveryCodes>), Error> {
    let who = check(app, signed_in);
    let credentials = app.zalt.credentials();
    let options = run(credentials.begin_passkey(&request(), &who))?;
    let made = authenticator.create(&json(&options)).unwrap();
    run(credentials.confirm_passkey(&request(), &who, &attestation(made), None))
        .map(|(credential, enrolled)| (credential, enrolled.recovery_codes))
}

/// A sign-in without an identifier, and what is asked of the authenticator.
fn begin(app: &App) -> (AttemptToken, Value) {
    let sign_ins = app.zalt.sign_ins();
    let begun = run(sign_ins.begin_with_passkey(&request(), Transport::Cookie));
    let (started, options) = begun.unwrap();
    (started.token, json(&options))
}

/// A sign-in by an identifier, and what is asked of the authenticator.
fn begin_by(app: &App, identifier: &str) -> (AttemptToken, Value) {
    let sign_ins = app.zalt.sign_ins();
    let started = run(sign_ins.create(&request(), identifier, Transport::Cookie)).unwrap();
    let options = prepare(app, &started.token).unwrap();
    (started.token, options)
}

fn prepare(app: &App, token: &AttemptToken) -> Result<Value, Error> {
    let (_, options) = run(app.zalt.sign_ins().prepare_passkey(&request(), token))?;
    Ok(json(&options))
}

fn attempt(app: &App, token: &AttemptToken, response: Value) -> Result<SignInProgress, Error> {
    let response = assertion(response);
    run(app
        .zalt
        .sign_ins()
        .attempt_passkey(&request(), token, &response))
}

/// Signs in without an identifier.
fn sign_in(app: &App, authenticator: &mut Authenticator) -> Result<SignedIn, Error> {
    let (token, options) = begin(app);
    let response = authenticator.get(&options).unwrap();
    attempt(app, &token, response)?.into_session()
}

/// The token of a sign-in whose first factor was the password.
fn after_password(app: &App, address: &str) -> AttemptToken {
    let sign_ins = app.zalt.sign_ins();
    let (request, transport) = (request(), Transport::Cookie);
    let passed = sign_ins.with_password(&request, address, password(PASSWORD), transport);
    match run(passed).unwrap() {
        SignInProgress::NeedsSecondFactor(pending)
        | SignInProgress::NeedsMfaEnrollment(pending) => pending.token.unwrap(),
        other => panic!("{other:?}"),
    }
}

fn second_factor(app: &App, token: &AttemptToken, response: Value) -> Result<SignedIn, Error> {
    let proof = proof(assertion(response));
    let sign_ins = app.zalt.sign_ins();
    run(sign_ins.attempt_second_factor(&request(), token, &proof))?.into_session()
}

fn methods(signed_in: &SignedIn) -> Vec<AuthenticationMethod> {
    let proofs = signed_in.session.amr.iter();
    proofs.map(|proof| proof.method).collect()
}

/// The passkey as it is kept now.
fn kept(app: &App, owner: &Owner) -> (Credential, Passkey) {
    let account = run(app.zalt.users().find_account(owner.credential.user_id)).unwrap();
    let mut credentials = account.credentials.into_iter();
    let credential = credentials
        .find(|credential| credential.id == owner.credential.id)
        .unwrap();
    let CredentialState::Passkey(passkey) = credential.state.clone() else {
        panic!("{credential:?}");
    };
    (credential, passkey)
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: Result<T, Error>, expected: PasskeyRefusal) {
    match result {
        Err(Error::PasskeyRefused(reason)) => assert_eq!(reason, expected),
        other => panic!("{other:?}"),
    }
}

fn with(change: impl FnOnce(&mut Config)) -> App {
    App::with(change)
}
