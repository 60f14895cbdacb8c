//! The socket file: who may reach it, when it is replaced, who removes it.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use sixframe_transports::ipc::{self, IpcConfig};
use tempfile::TempDir;

/// A path for a socket in a folder that does not exist yet.
fn fresh() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("run/engine.sock");
    (folder, path)
}

fn refusal(path: impl AsRef<std::path::Path>) -> String {
    let error = ipc::listen(path, IpcConfig::default()).err().expect("a refusal");
    assert!(error.is_permanent());
    error.to_string()
}

#[tokio::test]
async fn the_socket_is_0600_in_a_folder_of_0700_that_was_made_for_it() {
    let (_folder, path) = fresh();
    let listener = ipc::listen(&path, IpcConfig::default()).unwrap();
    let folder = path.parent().unwrap();
    assert_eq!(fs::metadata(folder).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    drop(listener);
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}

#[tokio::test]
async fn a_folder_that_others_can_enter_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o750, 0o701, 0o777] {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        let refusal = refusal(folder.path().join("s"));
        assert!(refusal.contains(&format!("its folder has mode {mode:o}")), "{refusal}");
    }
}

#[tokio::test]
async fn a_folder_of_another_user_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let given_away = std::os::unix::fs::chown(folder.path(), Some(12345), None).is_ok();
    let theirs = if given_away { folder.path() } else { std::path::Path::new("/") };
    let refusal = refusal(theirs.join("s"));
    assert!(refusal.contains("belongs to user"), "{refusal}");
}

#[tokio::test]
async fn a_stale_socket_is_replaced() {
    let (_folder, path) = fresh();
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o700)).unwrap();
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "the socket of a dead server stays");
    let listener = ipc::listen(&path, IpcConfig::default()).unwrap();
    let (client, accepted) = tokio::join!(ipc::connect(&path, IpcConfig::default()), listener.accept());
    assert!(client.is_ok() && accepted.is_ok());
}

#[tokio::test]
async fn the_socket_of_a_running_server_is_left_alone() {
    let (_folder, path) = fresh();
    let listener = ipc::listen(&path, IpcConfig::default()).unwrap();
    assert!(refusal(&path).contains("address in use by a running server"));
    drop(listener);
    let foreign = std::os::unix::net::UnixListener::bind(&path).unwrap();
    assert!(refusal(&path).contains("address in use by a running server"));
    drop(foreign);
    ipc::listen(&path, IpcConfig::default()).unwrap();
}

#[tokio::test]
async fn of_many_servers_that_start_at_once_exactly_one_gets_the_name() {
    let (_folder, path) = fresh();
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o700)).unwrap();
    let runtime = tokio::runtime::Handle::current();
    for _ in 0..50 {
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let start = std::sync::Barrier::new(4);
        let servers: Vec<_> = std::thread::scope(|scope| {
            let serve = || {
                let _runtime = runtime.enter();
                start.wait();
                ipc::listen(&path, IpcConfig::default()).ok()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(serve)).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(servers.len(), 1);
        assert!(path.exists());
    }
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_never_removed() {
    let (_folder, path) = fresh();
    drop(ipc::listen(&path, IpcConfig::default()).unwrap());
    fs::write(&path, "precious").unwrap();
    assert!(refusal(&path).contains("not a socket"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test]
async fn a_socket_that_is_no_longer_ours_is_not_removed_on_drop() {
    let (_folder, path) = fresh();
    let listener = ipc::listen(&path, IpcConfig::default()).unwrap();
    fs::rename(&path, path.with_extension("kept")).unwrap();
    let _other = std::os::unix::net::UnixListener::bind(&path).unwrap();
    drop(listener);
    assert!(path.exists());
}

#[tokio::test]
async fn abstract_empty_and_overlong_names_are_refused() {
    assert!(refusal("@sixframe").contains("abstract"));
    assert!(refusal("\0sixframe").contains("abstract"));
    assert!(refusal("").contains("abstract or empty"));
    let long = format!("/tmp/{}", "x".repeat(200));
    assert!(refusal(&long).contains("205 bytes are too long for a socket, at most 10"));
    let error = ipc::connect(&long, IpcConfig::default()).await.err().unwrap();
    assert!(error.is_permanent());
}

#[tokio::test]
async fn connecting_to_nobody_says_what_to_do_and_may_be_tried_again() {
    let (_folder, path) = fresh();
    let error = ipc::connect(&path, IpcConfig::default()).await.err().unwrap();
    assert!(error.to_string().contains("is the server running?") && !error.is_permanent(), "{error}");
}

#[tokio::test]
async fn both_sides_learn_the_process_and_user_of_the_other() {
    let (_folder, path) = fresh();
    let listener = ipc::listen(&path, IpcConfig::default()).unwrap();
    let (client, server) = tokio::join!(ipc::connect(&path, IpcConfig::default()), listener.accept());
    let uid = fs::metadata(&path).unwrap().uid();
    for (_, identity) in [client.unwrap(), server.unwrap()] {
        assert_eq!((identity.transport, identity.uid), ("unix", Some(uid)));
        if cfg!(target_os = "linux") {
            assert_eq!(identity.pid, Some(std::process::id()));
        }
    }
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_closed_and_a_freed_place_is_used_again() {
    let (_folder, path) = fresh();
    let config = IpcConfig { connections: 1, ..IpcConfig::default() };
    let listener = ipc::listen(&path, config.clone()).unwrap();
    let (first, served) = tokio::join!(ipc::connect(&path, config.clone()), listener.accept());
    let (second, _) = ipc::connect(&path, config.clone()).await.unwrap();
    let (mut second, mut accept) = (second, Box::pin(listener.accept()));
    tokio::select! {
        ended = second.next() => assert!(ended.is_none()),
        _ = &mut accept => panic!("the limit is one"),
    }
    drop((first, served));
    let (third, served) = tokio::join!(ipc::connect(&path, config), accept);
    let (mut third, mut served) = (third.unwrap().0, served.unwrap().0);
    third.send(Bytes::from_static(b"{}")).await.unwrap();
    assert_eq!(served.next().await.unwrap().unwrap(), "{}");
}
