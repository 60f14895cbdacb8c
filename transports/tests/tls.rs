//! `wss://`: a real encrypted server on loopback, believed or not.

#![allow(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig as TlsClient, RootCertStore, ServerConfig as TlsServer};
use sixframe_core::Router;
use sixframe_transports::websocket::{ClientConfig, connect};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;

struct Server {
    url: String,
    certificate: rustls::pki_types::CertificateDer<'static>,
}

/// Answers one request with a null, over an encrypted WebSocket.
async fn server() -> Server {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let tls = TlsServer::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        // A client that does not believe the certificate hangs up here.
        let Ok(socket) = TlsAcceptor::from(Arc::new(tls)).accept(socket).await else { return };
        #[allow(clippy::result_large_err, reason = "the callback's type is that of the library")]
        let agree = |request: &Request, mut response: Response| {
            let asked = request.headers()[SEC_WEBSOCKET_PROTOCOL].clone();
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, asked);
            Ok(response)
        };
        let mut socket = tokio_tungstenite::accept_hdr_async(socket, agree).await.unwrap();
        let request = socket.next().await.unwrap().unwrap().into_text().unwrap();
        let request: serde_json::Value = serde_json::from_str(&request).unwrap();
        let answer =
            serde_json::json!({"kind": "res", "cid": request["cid"], "ok": true, "result": request["payload"]});
        socket.send(Message::text(answer.to_string())).await.unwrap();
        while socket.next().await.is_some() {}
    });
    Server { url, certificate: cert.der().clone() }
}

fn believing(certificate: Option<&rustls::pki_types::CertificateDer<'static>>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    certificate.into_iter().for_each(|certificate| roots.add(certificate.clone()).unwrap());
    let tls = TlsClient::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    ClientConfig { tls: Some(Arc::new(tls)), ..ClientConfig::default() }
}

#[tokio::test]
async fn a_call_passes_over_an_encrypted_connection() {
    let server = server().await;
    let (transport, identity) = connect(&server.url, &believing(Some(&server.certificate))).await.unwrap();
    assert_eq!(identity.transport, "wss");
    let (endpoint, driver) = sixframe_core::connect(transport, Router::new());
    tokio::spawn(driver);
    let answer: serde_json::Value = endpoint.request_raw("echo", serde_json::json!("over TLS")).await.unwrap();
    assert_eq!(answer, serde_json::json!("over TLS"));
}

#[tokio::test]
async fn a_server_whose_certificate_is_not_believed_is_refused() {
    let server = server().await;
    let error = connect(&server.url, &believing(None)).await.err().unwrap();
    assert!(error.to_string().contains("certificate") && error.to_string().contains("SSL_CERT_FILE"), "{error}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_and_the_name_is_what_to_change() {
    let server = server().await;
    let url = server.url.replace("localhost", "127.0.0.1");
    let error = connect(&url, &believing(Some(&server.certificate))).await.err().unwrap();
    assert!(error.to_string().contains("a name that it holds"), "{error}");
}

#[tokio::test]
async fn the_certificates_of_the_system_do_not_vouch_for_a_self_signed_one() {
    let server = server().await;
    let error = connect(&server.url, &ClientConfig::default()).await.err().unwrap();
    assert!(error.to_string().contains("certificate"), "{error}");
}
