//! Encryption of `wss://` connections: which servers are believed.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::{CertificateError, ClientConfig, Error, RootCertStore};

/// Believes the certificates that the system does: its store, or the file and folder that the variables `SSL_CERT_FILE`
/// and `SSL_CERT_DIR` name. They are read once a process.
///
/// # Errors
/// There is no certificate to be had, or none can be read.
pub(super) fn of_the_system() -> io::Result<Arc<ClientConfig>> {
    static SYSTEM: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(known) = SYSTEM.get() {
        return Ok(known.clone());
    }
    let read = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(read.certs);
    if added == 0 {
        let why = read.errors.first().map_or(String::new(), |error| format!(": {error}"));
        let advice = "install them (ca-certificates), or name a file of them in SSL_CERT_FILE";
        return Err(io::Error::other(format!("the system has no certificates of authorities{why}; {advice}")));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(SYSTEM.get_or_init(|| Arc::new(config)).clone())
}

/// Why the server's certificate was refused, if it was, and what to change.
pub(super) fn disbelief(error: &io::Error) -> Option<String> {
    let Some(Error::InvalidCertificate(why)) = error.get_ref()?.downcast_ref() else { return None };
    let advice = match why {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "connect by a name that it holds, or add this one to it"
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => "renew it, or set the clock of this machine",
        // An authority of the same name, with another key, is another authority.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "if the server is yours, name a file with the certificate of its authority in SSL_CERT_FILE"
        }
        _ => "give the server another one",
    };
    Some(format!("the server's certificate is not accepted ({why}); {advice}"))
}
