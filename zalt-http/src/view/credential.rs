use serde::Serialize;
use utoipa::ToSchema;
use zalt_core::config::SecondFactor;
use zalt_core::credential::{Credential, CredentialState, TotpEnrollment};
use zalt_core::passkey::{CreationOptions, Passkey, RequestOptions};
use zalt_core::{Error, Timestamp};

/// A credential beside the password.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CredentialView {
    #[schema(example = "cred_01h455vb4pex5vsknk084sn02q")]
    id: String,
    /// `totp`, `passkey`, `sms_code`, `email_code` or `recovery_codes`.
    #[schema(example = "totp")]
    kind: &'static str,
    #[schema(example = "Ada's phone")]
    name: Option<String>,
    /// The address or number that codes are sent to, for those that are.
    #[schema(example = "idn_01h455vb4pex5vsknk084sn02q")]
    identifier_id: Option<String>,
    /// How many codes are left, for recovery codes.
    #[schema(example = 8)]
    left: Option<usize>,
    /// What is known of it, for a passkey.
    passkey: Option<PasskeyView>,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00Z")]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T08:00:00Z")]
    last_used_at: Option<Timestamp>,
}

impl CredentialView {
    /// `None` for what its owner is not shown: an app that is not confirmed yet.
    pub(crate) fn of(credential: &Credential) -> Option<Self> {
        let (kind, left, passkey) = match &credential.state {
            CredentialState::Totp(totp) => {
                totp.confirmed_at?;
                ("totp", None, None)
            }
            CredentialState::Passkey(passkey) => ("passkey", None, Some(PasskeyView::of(passkey))),
            CredentialState::Messages(messages) => {
                let factor = SecondFactor::to(messages.identifier_kind)?;
                (factor.as_str(), None, None)
            }
            CredentialState::RecoveryCodes(codes) => ("recovery_codes", Some(codes.left()), None),
            _ => return None,
        };
        Some(Self {
            id: credential.id.to_string(),
            kind,
            name: credential.name.as_ref().map(ToString::to_string),
            identifier_id: match &credential.state {
                CredentialState::Messages(messages) => Some(messages.identifier_id.to_string()),
                _ => None,
            },
            left,
            passkey,
            created_at: credential.created_at,
            last_used_at: credential.last_used_at,
        })
    }
}

/// An authenticator app that is being set up. The secret is shown here and never again.
#[derive(Serialize, ToSchema)]
pub(crate) struct TotpEnrollmentView {
    #[schema(example = "cred_01h455vb4pex5vsknk084sn02q")]
    credential_id: String,
    /// For typing it in.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    #[schema(example = "otpauth://totp/Acme:ada%40example.com?secret=...")]
    uri: String,
    /// The URI as a QR code.
    #[schema(example = "<svg ...")]
    qr_code_svg: String,
}

impl TotpEnrollmentView {
    pub(crate) fn of(enrollment: &TotpEnrollment) -> Result<Self, Error> {
        Ok(Self {
            credential_id: enrollment.credential.id.to_string(),
            secret: enrollment.secret.base32().to_string(),
            uri: enrollment.uri.to_string(),
            qr_code_svg: enrollment.qr_code_svg()?,
        })
    }
}

/// What is known of a passkey.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PasskeyView {
    /// The model of its authenticator, where that is a well-known one. It may say what it likes.
    #[schema(example = "iCloud Keychain")]
    authenticator: Option<&'static str>,
    /// Whether it may be backed up, to other devices too.
    backup_eligible: bool,
    /// Whether it was when it was last used.
    backed_up: bool,
    /// How its authenticator may be reached.
    #[schema(example = json!(["internal", "hybrid"]))]
    transports: Vec<String>,
}

impl PasskeyView {
    fn of(passkey: &Passkey) -> Self {
        Self {
            authenticator: passkey.authenticator(),
            backup_eligible: passkey.backup_eligible,
            backed_up: passkey.backed_up,
            transports: passkey.transports.clone(),
        }
    }
}

/// A request for a new passkey.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({ "public_key": { "rp": { "id": "app.example.com", "name": "Acme" }, "challenge": "..." } }))]
pub(crate) struct PasskeyCreationView {
    /// What `PublicKeyCredential.parseCreationOptionsFromJSON()` reads, for `navigator.credentials.create()`.
    #[schema(value_type = Object)]
    pub(crate) public_key: CreationOptions,
}

/// A request to use a passkey.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({ "public_key": { "rpId": "app.example.com", "challenge": "..." } }))]
pub(crate) struct PasskeyRequestView {
    /// What `PublicKeyCredential.parseRequestOptionsFromJSON()` reads, for `navigator.credentials.get()`.
    #[schema(value_type = Object)]
    pub(crate) public_key: RequestOptions,
}
