//! Encryption to the server: whose certificates are believed, and what is said when one is not.

use std::error::Error as _;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A connector that believes the plant's own authority where there is a file of it, else the system's ones.
pub(super) fn connector(ca_file: Option<&Path>) -> Result<MakeRustlsConnect, String> {
    let roots = match ca_file {
        Some(path) => from_file(path)?,
        None => of_the_system()?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| format!("TLS cannot be used: {e}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn from_file(path: &Path) -> Result<RootCertStore, String> {
    let bad = |why: &dyn std::fmt::Display| {
        format!("historian.ca_file {}: {why}; name a PEM file with the certificate of the authority", path.display())
    };
    let bytes = std::fs::read(path).map_err(|e| bad(&e))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|e| bad(&e))?;
        roots.add(certificate).map_err(|e| bad(&e))?;
    }
    if roots.is_empty() { Err(bad(&"there is no certificate in it")) } else { Ok(roots) }
}

fn of_the_system() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err("this computer knows no certificate authorities; install the package ca-certificates, or set \
                    historian.ca_file to the certificate of the plant's own authority"
            .into());
    }
    Ok(roots)
}

/// Why the encryption did not come about and what to do; none where something else failed.
pub(super) fn explain(e: &tokio_postgres::Error) -> Option<String> {
    if e.to_string().contains("TLS handshake")
        && e.source().is_some_and(|s| s.to_string().contains("does not support TLS"))
    {
        return Some(
            "the server speaks no TLS, so nothing was sent; set ssl = on with a certificate in its postgresql.conf"
                .into(),
        );
    }
    Some(match of_rustls(e)? {
        rustls::Error::InvalidCertificate(why) => certificate(why),
        rustls::Error::NoCertificatesPresented => "the server shows no certificate; look at ssl_cert_file".into(),
        other => format!("the encryption failed: {other}"),
    })
}

fn certificate(why: &CertificateError) -> String {
    use CertificateError as E;
    match why {
        E::UnknownIssuer | E::BadSignature => {
            "the server's certificate is from an authority that is not known here; set historian.ca_file to the \
             certificate (PEM) of the plant's own authority"
                .into()
        }
        E::NotValidForName => {
            "the server's certificate is for another host name; write that name into historian.url".into()
        }
        E::NotValidForNameContext { expected, presented } => format!(
            "the server's certificate is not for {} but for {}; write that name into historian.url, or give the server \
             a certificate for its name",
            expected.to_str(),
            if presented.is_empty() { "no name at all".into() } else { presented.join(", ") }
        ),
        E::Expired | E::ExpiredContext { .. } => {
            "the server's certificate has expired; renew it, and look whether the clocks are right".into()
        }
        E::NotValidYet | E::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet; look whether the clocks are right".into()
        }
        other => format!("the server's certificate is not accepted: {other}"),
    }
}

/// What rustls said, within the wrapping of the connection.
fn of_rustls(e: &tokio_postgres::Error) -> Option<&rustls::Error> {
    let mut next = e.source();
    while let Some(cause) = next {
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(found) = inner.and_then(|i| i.downcast_ref()).or_else(|| cause.downcast_ref()) {
            return Some(found);
        }
        next = cause.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_file_says_what_would_be_right() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        let said = |path: &Path| connector(Some(path)).err().unwrap();
        assert!(said(&path).contains("No such file"), "{}", said(&path));
        std::fs::write(&path, "nothing\n").unwrap();
        assert!(said(&path).contains("no certificate in it") && said(&path).contains("historian.ca_file"));
        std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(said(&path).contains("historian.ca_file"));
    }
}
