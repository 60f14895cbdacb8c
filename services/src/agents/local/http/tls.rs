//! Encryption, by the certificates that the system believes.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Encrypts a connection to a host of this name.
pub(super) async fn encrypted(host: &str, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    // Reading the system's certificates reads files.
    let config = tokio::task::spawn_blocking(of_the_system).await.map_err(io::Error::other)??;
    TlsConnector::from(config).connect(name, stream).await
}

/// The certificates are read once a process; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
fn of_the_system() -> io::Result<Arc<ClientConfig>> {
    static SYSTEM: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(known) = SYSTEM.get() {
        return Ok(Arc::clone(known));
    }
    let read = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(read.certs);
    if added == 0 {
        let advice = "install them (ca-certificates), or name a file of them in SSL_CERT_FILE";
        return Err(io::Error::other(format!("the system has no certificates of authorities; {advice}")));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::clone(SYSTEM.get_or_init(|| Arc::new(config))))
}
