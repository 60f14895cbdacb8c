//! One string leads to a transport, and several to whichever answers.
#![cfg(unix)]

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use sixframe_core::{Connector, Scopes};
use sixframe_transports::websocket::{Access, Token};
use sixframe_transports::{Address, ConnectConfig, Failover, ListenConfig, connect, listen};

fn server() -> ListenConfig {
    let access = Access { tokens: vec![Token::new("secret", Scopes::ALL)], ..Access::default() };
    ListenConfig { access, ..ListenConfig::default() }
}

fn client() -> ConnectConfig {
    ConnectConfig { token: Some("secret".to_owned()), ..ConnectConfig::default() }
}

#[tokio::test]
async fn what_a_listener_says_of_itself_can_be_connected_to() {
    let folder = tempfile::tempdir().unwrap();
    for address in [format!("unix:{}/run/s", folder.path().display()), "ws://127.0.0.1:0".to_owned()] {
        let mut listener = listen(&address.parse().unwrap(), &server()).await.unwrap();
        let local: Address = listener.local_address().to_string().parse().unwrap();
        let config = client();
        let (connected, accepted) = tokio::join!(connect(&local, &config), listener.accept());
        let (mut near, mut far) = (connected.unwrap().0, accepted.unwrap().0);
        near.send(Bytes::from_static(b"{}")).await.unwrap();
        assert_eq!(far.next().await.unwrap().unwrap(), "{}");
        far.close().await.unwrap();
        assert!(near.next().await.is_none());
    }
}

#[tokio::test]
async fn an_exec_address_starts_the_program_without_a_shell() {
    let address: Address = "exec:echo '{\"a\": \"$HOME\"}'".parse().unwrap();
    let (mut child, identity) = connect(&address, &client()).await.unwrap();
    assert_eq!(child.next().await.unwrap().unwrap(), "{\"a\": \"$HOME\"}");
    assert_eq!((identity.transport, identity.scopes), ("child", client().child_scopes));
}

#[tokio::test]
async fn addresses_that_cannot_be_listened_on_say_why() {
    for address in ["stdio:", "exec:cat", "pipe:name", "wss://127.0.0.1:0", "ws://127.0.0.1"] {
        let error = listen(&address.parse().unwrap(), &server()).await.err().unwrap();
        assert!(error.is_permanent(), "{error}");
    }
}

#[tokio::test]
async fn failover_takes_the_most_preferred_that_answers_and_returns_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| Address::Unix(folder.path().join("run").join(name));
    let mut second = listen(&at("second"), &server()).await.unwrap();
    let mut failover = Failover::over([at("first"), at("second")], &client());
    let (connected, accepted) = tokio::join!(failover.connect(), second.accept());
    let address = connected.unwrap().1.address.unwrap();
    assert!(address.ends_with("/second") && accepted.is_ok(), "{address}");
    let _first = listen(&at("first"), &server()).await.unwrap();
    let address = failover.connect().await.unwrap().1.address.unwrap();
    assert!(address.ends_with("/first"), "{address}");
}

#[tokio::test]
async fn failover_fails_for_good_only_when_every_address_does() {
    let bad = || Address::Unix("@abstract".into());
    let absent = Address::Unix("/nonexistent/s".into());
    let error = async |addresses: Vec<Address>| Failover::over(addresses, &client()).connect().await.err().unwrap();
    let both = error(vec![bad(), absent]).await;
    assert!(!both.is_permanent() && both.to_string().starts_with("none of 2 addresses answers: "), "{both}");
    assert!(error(vec![bad(), bad()]).await.is_permanent());
    assert!(error(vec![]).await.is_permanent());
}
