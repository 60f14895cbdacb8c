//! What nobody may read: the values of variables.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sixframe_services::sidecars::api::SidecarStatus;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::house::{House, alone, shell};

const SECRET: &str = "s3cr3t-of-the-house";

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_value_of_a_variable_is_in_no_state_no_error_and_no_log() {
    // Whether anybody listens to a line of the log is remembered for a whole process.
    if !alone("secrets::the_value_of_a_variable_is_in_no_state_no_error_and_no_log") {
        return;
    }
    let written = Written::default();
    let writer = written.clone();
    let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
    let _logging = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));

    let script = "[ -n \"$TOKEN\" ] && echo got it; echo \"my token is $TOKEN\" >&2; exit 2";
    let restart = json!({"policy": "on-failure", "backoffMs": 1, "maxBackoffMs": 1});
    let keys = json!({"env": {"TOKEN": SECRET}, "restart": restart});
    let mut plan = crate::house::Plan::new();
    plan.define_allowed = true;
    let exec =
        json!({"kind": "exec", "program": "sh", "args": ["-c", "echo no $TOKEN >&2; exit 1"], "timeoutMs": 2000});
    let slow = json!({"env": {"TOKEN": SECRET}, "ready": exec});
    let house: House = plan.build(&[shell("weak", script, keys.clone()), shell("slow", "sleep 1000", slow)]);
    let slow = house.fails("slow").await;
    assert!(slow.code == "START_TIMEOUT" && slow.message.contains("no ***"), "{slow}");
    house.sidecars.start("weak").await.unwrap();
    let state = house.until_status("weak", SidecarStatus::Failed).await;
    let fault = house.sidecars.wait_ready("weak", crate::house::LONG).await.unwrap_err();
    let defined = house.peer.request_raw::<_, Value>("sidecar.define", shell("late", script, keys.clone())).await;
    let bad = json!({"env": {"TOKEN": SECRET}, "port": "auto"});
    let refused = house.peer.request_raw::<_, Value>("sidecar.define", shell("bad", script, bad)).await;

    let seen = [
        format!("{state:?} {fault:?} {slow:?} {defined:?} {refused:?}"),
        format!("{:?}", house.hub.state()),
        format!("{:?}", house.sidecars.list()),
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap(),
    ];
    assert!(seen[3].contains("weak"), "something is logged: {}", seen[3]);
    for seen in seen {
        assert!(!seen.contains(SECRET), "{seen}");
    }
    let failure = serde_json::to_value(state.failure.unwrap()).unwrap();
    assert_eq!(failure["details"]["stderr"], json!(["my token is ***"]));
}

#[tokio::test]
async fn a_value_with_the_port_and_one_of_several_lines_are_in_no_state_either() {
    let script = "echo \"at $URL\" >&2; echo \"$PEM\" >&2; exit 2";
    let env = json!({"URL": "http://me:word@127.0.0.1:{port}", "PEM": "first-of-it\nsecond-of-it"});
    let keys = json!({"env": env, "port": "auto", "ready": "tcp", "restart": "never"});
    let house = House::of(&[shell("weak", script, keys)]);
    let fault = house.fails("weak").await;
    assert_eq!(crate::house::details(&fault)["stderr"], json!(["at ***", "***", "***"]));
}

#[tokio::test]
async fn a_configuration_that_cannot_be_read_is_refused_without_its_variables() {
    let mut plan = crate::house::Plan::new();
    plan.define_allowed = true;
    let house = plan.build(&[]);
    for env in [json!({"PIN": 98_765_432}), json!("98765432")] {
        let config = json!({"name": "late", "program": "sh", "env": env});
        let refused = house.peer.request_raw::<_, Value>("sidecar.define", config).await.unwrap_err();
        let seen = format!("{refused:?}");
        assert!(seen.contains("env must be a table of strings") && !seen.contains("98765432"), "{seen}");
    }
}
