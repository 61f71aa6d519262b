use webauthn_rs_core::error::WebauthnError;
use zalt_core::passkey::PasskeyRefusal;

/// What an error of the library means.
pub(crate) fn refusal(error: &WebauthnError) -> PasskeyRefusal {
    use WebauthnError as E;
    match error {
        E::InvalidClientDataType => PasskeyRefusal::Type,
        E::MismatchedChallenge => PasskeyRefusal::Challenge,
        E::InvalidRPOrigin => PasskeyRefusal::Origin,
        E::CredentialCrossOrigin => PasskeyRefusal::CrossOrigin,
        E::InvalidRPIDHash => PasskeyRefusal::RpId,
        E::UserNotPresent => PasskeyRefusal::UserNotPresent,
        E::UserNotVerified => PasskeyRefusal::UserNotVerified,
        E::CredentialNotFound => PasskeyRefusal::Unknown,
        E::AuthenticationFailure | E::SignatureInvalid => PasskeyRefusal::Signature,
        E::CredentialBackupEligibilityInconsistent | E::CredentialMayNotBeHardwareBound => {
            PasskeyRefusal::Backup
        }
        E::CredentialPossibleCompromise => PasskeyRefusal::Counter,
        // Of RSA, keys of 2048 bits are known.
        E::COSEKeyInvalidType
        | E::COSEKeyRSANEInvalid
        | E::COSEKeyEDUnsupported
        | E::SshPublicKeyEDUnsupported
        | E::COSEKeyECDSAInvalidCurve
        | E::COSEKeyEDDSAXInvalid
        | E::COSEKeyEDDSAInvalidCurve
        | E::COSEKeyInvalidAlgorithm
        | E::CredentialInsecureCryptography
        | E::CredentialAlteredAlgFromRequest => PasskeyRefusal::Algorithm,
        E::AttestationNotSupported => PasskeyRefusal::AttestationFormat,
        E::AttestationStatementMapInvalid
        | E::AttestationStatementResponseMissing
        | E::AttestationStatementResponseInvalid
        | E::AttestationStatementSigMissing
        | E::AttestationStatementSigInvalid
        | E::AttestationStatementVerMissing
        | E::AttestationStatementVerInvalid
        | E::AttestationStatementVerUnsupported
        | E::AttestationStatementX5CMissing
        | E::AttestationStatementX5CInvalid
        | E::AttestationStatementAlgMissing
        | E::AttestationStatementCertInfoMissing
        | E::AttestationStatementMissingExtension
        | E::AttestationStatementPubAreaMissing
        | E::AttestationStatementAlgMismatch
        | E::AttestationStatementAlgInvalid
        | E::AttestationTrustFailure
        | E::AttestationCertificateAAGUIDMismatch
        | E::AttestationCertificateNonceMismatch
        | E::AttestationTpmStInvalid
        | E::AttestationTpmPubAreaMismatch
        | E::AttestationTpmExtraDataInvalid
        | E::AttestationTpmExtraDataMismatch
        | E::AttestationTpmPubAreaHashUnknown
        | E::AttestationTpmPubAreaHashInvalid
        | E::AttestationTpmAttestCertifyInvalid
        | E::AttestationCertificateRequirementsNotMet
        | E::AttestationCertificateTrustStoreEmpty
        | E::AttestationLeafCertMissing
        | E::AttestationNotVerifiable
        | E::AttestationUntrustedAaguid
        | E::AttestationFormatMissingAaguid
        | E::AttestationChainNotTrusted(_)
        | E::AttestationCredentialSubjectKeyMismatch
        | E::CertificatePublicKeyInvalid
        | E::CertificatePublicKeyAlgorthimMismatch
        | E::TrustFailure
        | E::X509DerInvalid => PasskeyRefusal::Attestation,
        // What is left is text or bytes that can't be read, and faults of a caller that this crate is not.
        _ => PasskeyRefusal::Malformed,
    }
}
