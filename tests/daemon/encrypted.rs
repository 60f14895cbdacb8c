//! `wss://` by the program: a server behind a TLS listener, with certificates of an authority that the test makes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::sandbox::{Daemon, Sandbox};

/// An authority, and a certificate for `localhost` that it signed.
struct Authority {
    pem: String,
    server: ServerConfig,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let names = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = names.signed_by(&key, &issuer).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
        Authority { pem, server }
    }
}

/// Passes what comes to `listener` on to the daemon's WebSocket, without its encryption.
fn stand_before(daemon: &Daemon, listener: TcpListener, server: ServerConfig) {
    let behind = daemon.address("ws:").trim_start_matches("ws://").trim_end_matches('/').to_owned();
    let behind: SocketAddr = behind.parse().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not believe the certificate hangs up here.
                let Ok(mut encrypted) = acceptor.accept(socket).await else { return };
                let mut plain = TcpStream::connect(behind).await.unwrap();
                let _ = copy_bidirectional(&mut encrypted, &mut plain).await;
            });
        }
    });
}

fn file_of(sandbox: &Sandbox, name: &str, authority: &Authority) -> PathBuf {
    let file = sandbox.folder.path().join(name);
    std::fs::write(&file, &authority.pem).unwrap();
    file
}

/// Runs `sixframe call`, with the authorities in a file believed: exit code, stdout, stderr.
async fn call(sandbox: &Sandbox, daemon: &Daemon, address: &str, believed: &Path) -> (i32, String, String) {
    let token = daemon.ready["tokenFile"].as_str().unwrap();
    let mut command: Command = sandbox.sixframe(&["call", address, "rpc.ping", "7", "--token-file", token]);
    command.env("SSL_CERT_FILE", believed);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn a_call_over_tls_believes_the_authority_that_is_named_and_no_other() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let daemon = sandbox.serve_with(&[], |command| {
        command.env("SIXFRAME_WS_ALLOWED_HOSTS", format!("localhost:{port}"));
    });
    let (known, stranger) = (Authority::new(), Authority::new());
    let (known_file, strange_file) =
        (file_of(&sandbox, "known.pem", &known), file_of(&sandbox, "other.pem", &stranger));
    stand_before(&daemon, listener, known.server);

    let address = format!("wss://localhost:{port}/");
    let (code, stdout, stderr) = call(&sandbox, &daemon, &address, &known_file).await;
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), json!(7));

    let (code, stdout, stderr) = call(&sandbox, &daemon, &address, &strange_file).await;
    assert_eq!((code, stdout.as_str()), (3, ""), "{stderr}");
    assert!(stderr.contains("certificate") && stderr.contains("SSL_CERT_FILE"), "{stderr}");

    let other_name = format!("wss://127.0.0.1:{port}/");
    let (code, _, stderr) = call(&sandbox, &daemon, &other_name, &known_file).await;
    assert!(code == 3 && stderr.contains("a name that it holds"), "{code} {stderr}");

    let (code, _, stderr) = call(&sandbox, &daemon, &address, Path::new("/nonexistent.pem")).await;
    assert!(code == 3 && stderr.contains("SSL_CERT_FILE"), "{code} {stderr}");
}

/// A model's service behind TLS, which answers everything with one word to whoever shows the key.
fn model(listener: TcpListener, server: ServerConfig) {
    let acceptor = TlsAcceptor::from(Arc::new(server));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            // A client that does not believe the certificate hangs up here.
            let Ok(encrypted) = acceptor.accept(socket).await else { continue };
            let mut stream = BufReader::new(encrypted);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert!(stream.read_line(&mut head).await.unwrap() > 0, "{head}");
            }
            assert!(head.contains("authorization: Bearer the-key-of-the-test\r\n"), "{head}");
            let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n\
                          data: {\"choices\":[{\"delta\":{\"content\":\"encrypted\"}}]}\n\ndata: [DONE]\n\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
}

#[tokio::test]
async fn a_models_service_elsewhere_is_asked_over_tls_and_only_if_it_is_believed() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/v1", listener.local_addr().unwrap().port());
    let (known, stranger) = (Authority::new(), Authority::new());
    let believed = [file_of(&sandbox, "known.pem", &known), file_of(&sandbox, "other.pem", &stranger)];
    model(listener, known.server);
    for (file, expected) in believed.iter().zip([0, 1]) {
        let mut command = sandbox.sixframe(&["exec", "--provider", "local", "hello"]);
        command.env("SSL_CERT_FILE", file).env("MODEL_KEY", "the-key-of-the-test");
        command.env("SIXFRAME_AGENT_LOCAL", format!("{{ url = \"{url}\", key_env = \"MODEL_KEY\" }}"));
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(expected), "{stdout}{stderr}");
        match expected {
            0 => assert_eq!(stdout, "encrypted\n"),
            _ => assert!(stderr.contains("certificate") && !stderr.contains("the-key"), "{stderr}"),
        }
    }
}
