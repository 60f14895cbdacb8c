//! The real programs of agents, each in a world of its own, with a model that is a test's. They are not ours to ship:
//! `cargo xtask test --only agents` installs them and runs the tests that need them.

mod background;
pub(crate) mod installed;
mod instructions;
mod matrix;
mod schema;
mod sessions;
mod settings;
mod subagents;

use std::path::Path;

use serde_json::json;
use sixframe_services::agents::{Program, Timers};

use super::house::{House, Programs, Turn};
use super::model::Model;
use installed::Installed;

/// A house with the real programs, and the model that they ask.
pub(crate) struct World {
    pub(crate) house: House,
    pub(crate) model: Model,
}

impl World {
    pub(crate) async fn new() -> World {
        World::with(Timers::default()).await
    }

    pub(crate) async fn with(timers: Timers) -> World {
        World::built(timers, |_| true, &[]).await
    }

    /// One in which Gemini CLI has no key of its own.
    pub(crate) async fn without_key() -> World {
        World::built(Timers::default(), |name| name != "GEMINI_API_KEY", &[]).await
    }

    /// One in which a person has these variables set for Gemini CLI.
    pub(crate) async fn with_gemini(variables: &[(&str, &str)]) -> World {
        World::built(Timers::default(), |_| true, variables).await
    }

    async fn built(timers: Timers, is_given: impl Fn(&str) -> bool, of_gemini: &[(&str, &str)]) -> World {
        let model = Model::start().await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("project")).unwrap();
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let all = installed::all(target, folder.path(), &model.url);
        let [claude, codex, mut gemini] = all.map(|mut installed| {
            installed.variables.retain(|(name, _)| is_given(name));
            alone(installed)
        });
        gemini.env = of_gemini.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        World { house: House::build_with(folder, timers, Programs { claude, codex, gemini }), model }
    }

    /// One in which Codex is started without anything in between, so that it can be asked about itself.
    pub(crate) async fn with_codex_itself() -> World {
        let model = Model::start().await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("project")).unwrap();
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let [_, codex, _] = installed::all(target, folder.path(), &model.url);
        let Installed { program, variables, args } = codex;
        let env = variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let codex = Program { args, env, ..Program::new(program) };
        let programs = Programs { codex, ..Programs::in_folder(folder.path()) };
        World { house: House::build_with(folder, Timers::default(), programs), model }
    }

    /// The daemon ends, in order, and another one begins.
    pub(crate) async fn restart(self) -> World {
        World { house: self.house.restart().await, model: self.model }
    }

    pub(crate) async fn session(&self, provider: &str) -> String {
        self.house.session(provider).await
    }

    pub(crate) fn prompt(&self, session: &str, text: &str) -> Turn {
        self.house.prompt(session, text)
    }

    pub(crate) async fn close(&self, session: &str) {
        self.house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
    }
}

/// A program that is given nothing of the environment that the tests run in, but its own variables, where programs are,
/// whether it is told to trust the folder, that there is no key, what a test has set for Gemini CLI, and that its shell is to stay there.
fn alone(installed: Installed) -> Program {
    const SCRIPT: &str = r#"[ "${GEMINI_API_KEY-unset}" ] || set -- GEMINI_API_KEY= "$@"
        exec env -i \
        ${GEMINI_CLI_TRUST_WORKSPACE+GEMINI_CLI_TRUST_WORKSPACE="$GEMINI_CLI_TRUST_WORKSPACE"} \
        ${GEMINI_SYSTEM_MD+GEMINI_SYSTEM_MD="$GEMINI_SYSTEM_MD"} \
        ${CLOUD_SHELL+CLOUD_SHELL="$CLOUD_SHELL"} ${NODE_OPTIONS+NODE_OPTIONS="$NODE_OPTIONS"} \
        ${GOOGLE_CLOUD_PROJECT+GOOGLE_CLOUD_PROJECT="$GOOGLE_CLOUD_PROJECT"} \
        CLAUDE_BASH_MAINTAIN_PROJECT_WORKING_DIR="$CLAUDE_BASH_MAINTAIN_PROJECT_WORKING_DIR" "$@""#;
    let Installed { program, variables, args } = installed;
    let path = ("PATH", std::env::var("PATH").unwrap());
    let variables = [path].into_iter().chain(variables).map(|(name, value)| format!("{name}={value}"));
    let program = program.to_str().unwrap().to_owned();
    let start = ["-c", SCRIPT, "sh"].map(str::to_owned);
    let args = start.into_iter().chain(variables).chain([program]).chain(args).collect();
    Program { args, ..Program::new("/bin/sh") }
}
