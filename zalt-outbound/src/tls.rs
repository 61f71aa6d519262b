//! Whom we trust when we connect: the certificate authorities of the web, and those that the operator adds.
//!
//! The roots come with the binary (Mozilla's list), so a container without a certificate store works, and the crypto
//! provider is named here (aws-lc-rs), so nothing depends on one being installed for the process.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Certificate authorities trusted beside those of the web, such as a company's own.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RootCertificates(Vec<CertificateDer<'static>>);

/// A text that holds no usable certificates.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootCertificatesError {
    /// Not PEM.
    #[error("the root certificates are not in PEM form (-----BEGIN CERTIFICATE-----)")]
    Pem(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// PEM, but no certificate in it.
    #[error("the PEM text has no certificate in it")]
    Empty,
    /// A certificate that can't be an authority's.
    #[error("a certificate in the PEM text can't be used as a root")]
    Unusable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl RootCertificates {
    /// Reads one or more certificates in PEM form.
    ///
    /// # Errors
    /// [`RootCertificatesError`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, RootCertificatesError> {
        let certificates = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| RootCertificatesError::Pem(Box::new(error)))?;
        if certificates.is_empty() {
            return Err(RootCertificatesError::Empty);
        }
        let mut store = RootCertStore::empty();
        for certificate in &certificates {
            store
                .add(certificate.clone())
                .map_err(|error| RootCertificatesError::Unusable(Box::new(error)))?;
        }
        Ok(Self(certificates))
    }

    /// The certificates.
    pub fn iter(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.0.iter()
    }
}

impl fmt::Debug for RootCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootCertificates({})", self.0.len())
    }
}

/// TLS 1.2 and 1.3 with the roots of the web and `extra`.
///
/// # Errors
/// If a root of `extra` can't be used.
pub fn client_config(extra: &RootCertificates) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for certificate in extra.iter() {
        roots.add(certificate.clone())?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert!(matches!(
            RootCertificates::from_pem(b"hello"),
            Err(RootCertificatesError::Empty)
        ));
        assert!(matches!(
            RootCertificates::from_pem(
                b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"
            ),
            Err(RootCertificatesError::Pem(_))
        ));
        assert!(matches!(
            RootCertificates::from_pem(
                b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
            ),
            Err(RootCertificatesError::Unusable(_))
        ));
    }
}
