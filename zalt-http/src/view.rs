//! What replies are made of: the parts of core's model that their reader may see, and no more.

mod connection;
mod credential;
mod identifier;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zalt_core::attempt::{self, Attempt, AttemptState, ChallengePurpose, ChallengeStrategy};
use zalt_core::config::{Config, FirstFactor, SecondFactor};
use zalt_core::connection::ViaConnection;
use zalt_core::event::{Actor, Event};
use zalt_core::identifier::{Identifier, IdentifierKind};
use zalt_core::session::{self, Session};
use zalt_core::store::{Cursor, Page};
use zalt_core::user::Account;
use zalt_core::{Timestamp, Zalt};

pub(crate) use connection::{ConnectionView, ExternalAccountView, ProviderTokenView};
pub(crate) use credential::{
    CredentialView, PasskeyCreationView, PasskeyRequestView, TotpEnrollmentView,
};
pub(crate) use identifier::{EmailAddressView, PhoneNumberView};

/// How a session is held: by a cookie, for browsers on the same site, or by tokens, for everything else.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Transport {
    #[default]
    Cookie,
    Bearer,
}

/// How a code reaches a person: alone, or together with a link.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EmailStrategy {
    #[default]
    EmailCode,
    EmailLink,
}

/// A user as they see themselves.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserView {
    #[schema(example = "user_01h455vb4pex5vsknk084sn02q")]
    id: String,
    #[schema(example = "Ada")]
    first_name: Option<String>,
    #[schema(example = "Lovelace")]
    last_name: Option<String>,
    #[schema(example = "https://example.com/ada.png")]
    image_url: Option<String>,
    #[schema(example = "ada")]
    username: Option<String>,
    email_addresses: Vec<EmailAddressView>,
    #[schema(example = "idn_01h455vb4pex5vsknk084sn02q")]
    primary_email_address_id: Option<String>,
    phone_numbers: Vec<PhoneNumberView>,
    #[schema(example = "idn_01h455vb4pex5vsknk084sn02q")]
    primary_phone_number_id: Option<String>,
    /// Whether a password is set.
    has_password: bool,
    /// Whether a sign-in asks for a second factor that the user has set up.
    has_second_factor: bool,
    /// What the application keeps with the user and shows them.
    #[schema(value_type = Object)]
    public_metadata: serde_json::Value,
    /// What the user writes themselves.
    #[schema(value_type = Object)]
    unsafe_metadata: serde_json::Value,
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T08:00:00Z")]
    last_sign_in_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00Z")]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00Z")]
    updated_at: Timestamp,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    #[schema(example = "sess_01h455vb4pex5vsknk084sn02q")]
    id: String,
    /// Whether it is the one that asks.
    is_current: bool,
    transport: Transport,
    /// How the user proved who they are (RFC 8176).
    #[schema(example = json!(["pwd"]))]
    amr: Vec<String>,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00Z")]
    authenticated_at: Timestamp,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00Z")]
    last_seen_at: Timestamp,
    #[schema(value_type = String, format = DateTime, example = "2026-02-14T08:00:00Z")]
    idle_expires_at: Timestamp,
    #[schema(value_type = String, format = DateTime, example = "2026-03-02T08:00:00Z")]
    expires_at: Timestamp,
    #[schema(example = "203.0.113.7")]
    ip: Option<String>,
    #[schema(example = "Mozilla/5.0")]
    user_agent: Option<String>,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00Z")]
    created_at: Timestamp,
}

/// The code or link that is out. The newest one counts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChallengeView {
    #[schema(example = "email_code")]
    strategy: &'static str,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00Z")]
    sent_at: Timestamp,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:10:00Z")]
    expires_at: Timestamp,
}

/// A sign-in under way. It looks the same whether or not anybody has the identifier.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignInView {
    #[schema(example = "att_01h455vb4pex5vsknk084sn02q")]
    id: String,
    /// `needs_first_factor`, `needs_second_factor`, `needs_mfa_enrollment`, `needs_new_password`, `needs_review` or
    /// `complete`.
    #[schema(value_type = String, example = "needs_first_factor")]
    status: attempt::SignInStatus,
    /// What was typed; null where a passkey is to say who it is.
    #[schema(example = "ada@example.com")]
    identifier: Option<String>,
    /// The strategies that the next step may take: before the first factor was passed those that the application allows,
    /// which tell nothing about anybody, and then those that the user has set up.
    #[schema(example = json!(["password", "email_code"]))]
    supported_strategies: Vec<&'static str>,
    /// The connection whose account there is linked once the sign-in is complete.
    #[schema(example = "google")]
    connection: Option<String>,
    challenge: Option<ChallengeView>,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00Z")]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T09:00:00Z")]
    expires_at: Timestamp,
}

/// A sign-up under way. There is no user until it is complete.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignUpView {
    #[schema(example = "att_01h455vb4pex5vsknk084sn02q")]
    id: String,
    /// `missing_requirements` or `complete`.
    #[schema(value_type = String, example = "missing_requirements")]
    status: attempt::SignUpStatus,
    #[schema(example = "ada@example.com")]
    email_address: String,
    #[schema(example = "ada")]
    username: Option<String>,
    #[schema(example = "Ada")]
    first_name: Option<String>,
    #[schema(example = "Lovelace")]
    last_name: Option<String>,
    /// What has to be verified.
    #[schema(example = json!(["email_address"]))]
    unverified_fields: &'static [&'static str],
    /// The connection whose account there becomes the user's once the sign-up is complete.
    #[schema(example = "google")]
    connection: Option<String>,
    challenge: Option<ChallengeView>,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00Z")]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T09:00:00Z")]
    expires_at: Timestamp,
}

/// Something that happened to the account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventView {
    #[schema(example = "evt_01h455vb4pex5vsknk084sn02q")]
    id: String,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(example = "session.created")]
    type_: &'static str,
    /// Who did it: `anonymous`, `user` or `application`.
    #[schema(example = "user")]
    actor: &'static str,
    /// What goes with the type.
    #[schema(value_type = Option<Object>)]
    data: Option<serde_json::Value>,
    #[schema(example = "203.0.113.7")]
    ip: Option<String>,
    #[schema(example = "Mozilla/5.0")]
    user_agent: Option<String>,
    #[schema(example = "5b0c1f3a9e7d42c8a6f1e0b3d4c5a697")]
    request_id: Option<String>,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00Z")]
    occurred_at: Timestamp,
}

/// One part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    data: Vec<T>,
    /// Pass it as `after` to get what follows; null at the end.
    #[schema(value_type = Option<String>, example = json!(null))]
    next_cursor: Option<Cursor>,
    /// How many there are in all, where that is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_count: Option<u64>,
}

impl<T> List<T> {
    pub(crate) fn of_page<U>(page: Page<U>, view: impl FnMut(U) -> T) -> Self {
        Self {
            data: page.data.into_iter().map(view).collect(),
            next_cursor: page.next,
            total_count: None,
        }
    }

    /// A list that is short enough to be whole.
    pub(crate) fn whole(data: Vec<T>) -> Self {
        let total_count = u64::try_from(data.len()).ok();
        Self {
            data,
            next_cursor: None,
            total_count,
        }
    }
}

impl UserView {
    pub(crate) fn of(zalt: &Zalt, account: &Account) -> Self {
        let user = &account.user;
        let text = |identifier: &Identifier| identifier.value.as_str().to_owned();
        let primary = |kind| {
            let identifier = account.primary(kind)?;
            Some(identifier.id.to_string())
        };
        Self {
            id: user.id.to_string(),
            first_name: user.profile.first_name.as_ref().map(ToString::to_string),
            last_name: user.profile.last_name.as_ref().map(ToString::to_string),
            image_url: user.profile.image_url.as_ref().map(ToString::to_string),
            username: account
                .identifiers
                .iter()
                .find(|identifier| identifier.value.kind() == IdentifierKind::Username)
                .map(text),
            email_addresses: EmailAddressView::all_of(account),
            primary_email_address_id: primary(IdentifierKind::EmailAddress),
            phone_numbers: PhoneNumberView::all_of(account),
            primary_phone_number_id: primary(IdentifierKind::PhoneNumber),
            has_password: account.password.is_some(),
            has_second_factor: zalt.has_second_factor(account),
            public_metadata: user.metadata.public.as_object().clone().into(),
            unsafe_metadata: user.metadata.unsafe_.as_object().clone().into(),
            last_sign_in_at: user.last_sign_in_at,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

impl SessionView {
    pub(crate) fn of(session: &Session, is_current: bool) -> Self {
        Self {
            id: session.id.to_string(),
            is_current,
            transport: session.transport.into(),
            amr: session
                .amr
                .iter()
                .map(|proof| proof.method.as_str().to_owned())
                .collect(),
            authenticated_at: session.authenticated_at,
            last_seen_at: session.last_seen_at,
            idle_expires_at: session.idle_expires_at,
            expires_at: session.expires_at,
            ip: session.ip.map(|ip| ip.to_string()),
            user_agent: session.user_agent.clone(),
            created_at: session.created_at,
        }
    }
}

impl ChallengeView {
    fn of(challenge: &attempt::Challenge) -> Self {
        use ChallengePurpose::ResetPassword;
        let strategy = match (challenge.purpose, challenge.strategy) {
            (ResetPassword, ChallengeStrategy::EmailLink) => "reset_password_email_link",
            (ResetPassword, _) => "reset_password_email_code",
            (_, ChallengeStrategy::EmailLink) => "email_link",
            (_, ChallengeStrategy::SmsCode) => "sms_code",
            (_, _) => "email_code",
        };
        Self {
            strategy,
            sent_at: challenge.sent_at,
            expires_at: challenge.expires_at,
        }
    }
}

impl SignInView {
    /// `None` for any other kind of attempt.
    pub(crate) fn of(zalt: &Zalt, attempt: &Attempt) -> Option<Self> {
        let AttemptState::SignIn(state) = &attempt.state else {
            return None;
        };
        Some(Self {
            id: attempt.id.to_string(),
            status: state.status,
            identifier: state.identifier.as_ref().map(ToString::to_string),
            supported_strategies: supported_strategies(zalt.config(), state),
            connection: pending_connection(state.connection.as_ref()),
            challenge: state.challenge.as_ref().map(ChallengeView::of),
            created_at: attempt.created_at,
            expires_at: attempt.expires_at,
        })
    }
}

/// The connection through which an account came that waits to be linked.
fn pending_connection(via: Option<&ViaConnection>) -> Option<String> {
    let via = via.filter(|via| via.pending.is_some())?;
    Some(via.key.to_string())
}

/// What the next step may take.
fn supported_strategies(config: &Config, state: &attempt::SignIn) -> Vec<&'static str> {
    let second = |kinds: &[SecondFactor]| kinds.iter().map(|kind| kind.as_str()).collect();
    match state.status {
        // Nothing but a passkey says who it is.
        attempt::SignInStatus::NeedsFirstFactor if state.identifier.is_none() => {
            vec![FirstFactor::Passkey.as_str()]
        }
        attempt::SignInStatus::NeedsFirstFactor => {
            let factors = config.first_factors;
            let mut strategies: Vec<_> = factors.iter().map(FirstFactor::as_str).collect();
            if factors.password {
                strategies.extend(["reset_password_email_code", "reset_password_email_link"]);
            }
            strategies
        }
        attempt::SignInStatus::NeedsSecondFactor => {
            let passed = state.first_factor.as_ref();
            let mut strategies: Vec<_> = second(passed.map_or(&[], |passed| &passed.offered));
            strategies.push("recovery_code");
            strategies
        }
        attempt::SignInStatus::NeedsMfaEnrollment => {
            let methods = config.second_factors.methods.iter();
            // Codes that are sent are set up on the account page.
            second(
                &methods
                    .filter(|factor| factor.message().is_none())
                    .collect::<Vec<_>>(),
            )
        }
        _ => Vec::new(),
    }
}

impl SignUpView {
    /// `None` for any other kind of attempt.
    pub(crate) fn of(attempt: &Attempt) -> Option<Self> {
        let AttemptState::SignUp(state) = &attempt.state else {
            return None;
        };
        let unverified_fields: &[&str] = match state.status {
            attempt::SignUpStatus::MissingRequirements => &["email_address"],
            _ => &[],
        };
        Some(Self {
            id: attempt.id.to_string(),
            status: state.status,
            email_address: state.email_address.as_str().to_owned(),
            username: state.username.as_ref().map(ToString::to_string),
            first_name: state.profile.first_name.as_ref().map(ToString::to_string),
            last_name: state.profile.last_name.as_ref().map(ToString::to_string),
            unverified_fields,
            connection: pending_connection(state.connection.as_ref()),
            challenge: state.challenge.as_ref().map(ChallengeView::of),
            created_at: attempt.created_at,
            expires_at: attempt.expires_at,
        })
    }
}

impl EventView {
    pub(crate) fn of(event: Event) -> Self {
        let actor = match event.actor {
            Actor::Anonymous => "anonymous",
            Actor::User(_) => "user",
            _ => "application",
        };
        let type_ = event.kind.name();
        let data = match serde_json::to_value(event.kind) {
            Ok(serde_json::Value::Object(mut kind)) => kind.remove("data"),
            _ => None,
        };
        Self {
            id: event.id.to_string(),
            type_,
            actor,
            data,
            ip: event.ip.map(|ip| ip.to_string()),
            user_agent: event.user_agent,
            request_id: event.request_id,
            occurred_at: event.occurred_at,
        }
    }
}

impl From<Transport> for session::Transport {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Cookie => Self::Cookie,
            Transport::Bearer => Self::Bearer,
        }
    }
}

impl From<session::Transport> for Transport {
    fn from(transport: session::Transport) -> Self {
        match transport {
            session::Transport::Cookie => Self::Cookie,
            session::Transport::Bearer => Self::Bearer,
        }
    }
}

impl From<EmailStrategy> for ChallengeStrategy {
    fn from(strategy: EmailStrategy) -> Self {
        match strategy {
            EmailStrategy::EmailCode => Self::EmailCode,
            EmailStrategy::EmailLink => Self::EmailLink,
        }
    }
}
