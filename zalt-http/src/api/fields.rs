//! Fields that several endpoints read alike.

use serde::Deserialize;
use utoipa::ToSchema;
use zalt_core::attempt::{Proof, SecondFactorProof};
use zalt_core::config;
use zalt_core::id::CredentialId;
use zalt_core::passkey::AssertionResponse;
use zalt_core::password::Password;
use zalt_core::user::Name;
use zalt_core::{Error, ErrorCode};

use crate::body::require;
use crate::problem::ApiError;

/// What a person shows: a code or the token of a link, and not both.
pub(crate) fn proof(code: Option<String>, token: Option<String>) -> Result<Proof, ApiError> {
    match (code, token) {
        (Some(code), None) => Ok(Proof::code(&code)),
        (None, Some(token)) => Ok(Proof::link(&token)?),
        (None, None) => require(None, "code"),
        (Some(_), _) => Err(ApiError::new(
            ErrorCode::InvalidField,
            "give the code or the token of the link, and not both",
        )
        .at("token")),
    }
}

/// How a second factor is passed.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SecondFactor {
    Totp,
    Passkey,
    SmsCode,
    EmailCode,
    RecoveryCode,
}

/// A second factor whose code is sent.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SentFactor {
    SmsCode,
    EmailCode,
}

impl From<SentFactor> for config::SecondFactor {
    fn from(factor: SentFactor) -> Self {
        match factor {
            SentFactor::SmsCode => Self::SmsCode,
            SentFactor::EmailCode => Self::EmailCode,
        }
    }
}

/// How the code of a second factor is sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SendSecondFactor {
    pub(crate) strategy: SentFactor,
}

impl SecondFactor {
    /// The code, or what a passkey answered, as a proof of this kind.
    pub(crate) fn proof(
        self,
        code: Option<String>,
        credential: Option<AssertionResponse>,
    ) -> Result<SecondFactorProof, ApiError> {
        Ok(match self {
            Self::Totp => SecondFactorProof::Totp(require(code, "code")?),
            Self::SmsCode => SecondFactorProof::SmsCode(require(code, "code")?),
            Self::EmailCode => SecondFactorProof::EmailCode(require(code, "code")?),
            Self::RecoveryCode => SecondFactorProof::RecoveryCode(require(code, "code")?),
            Self::Passkey => {
                SecondFactorProof::Passkey(Box::new(require(credential, "credential")?))
            }
        })
    }
}

/// The id of a credential, in the body.
pub(crate) fn credential_id(text: &str) -> Result<CredentialId, ApiError> {
    text.parse()
        .map_err(|error| ApiError::from(Error::from(error)).at("credential_id"))
}

/// A password as it was typed. The text is overwritten.
pub(crate) fn password(text: String) -> Result<Password, ApiError> {
    Ok(Password::try_from(text).map_err(Error::from)?)
}

/// A name, with the field that holds it.
pub(crate) fn name(text: Option<&str>, field: &'static str) -> Result<Option<Name>, ApiError> {
    parse(text, Name::parse).map_err(|error| error.at(field))
}

/// Text that is parsed if it is there.
pub(crate) fn parse<T, E>(
    text: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, ApiError>
where
    Error: From<E>,
{
    Ok(text.map(parse).transpose().map_err(Error::from)?)
}
