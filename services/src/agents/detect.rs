//! Which agents are on this machine. What is missing, too old or logged out is a state with a hint, and no error. Nothing here
//! asks a model anything.

mod account;
mod places;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sixframe_supervisor::{ChildConfig, Input, StopLadder, Stream, Supervisor};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::agent::{Abilities, Outdated};
use super::program::Program;
pub(super) use places::find;

/// How long a program may take to say its version, or whether somebody is logged in.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long one may take of which nobody knows whether it says its version at all.
const SHORT_PATIENCE: Duration = Duration::from_secs(4);

/// A provider as it is on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentProviderInfo")]
pub struct ProviderInfo {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether it can be used.
    pub state: ProviderState,
    /// What to do so that it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where its program was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The version that its program says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How that version compares with those it was tried with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tested: Option<Tested>,
    /// How somebody is logged in, in the program's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_method: Option<String>,
    /// What it can do.
    pub abilities: Abilities,
    /// Where it can be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install_url: Option<String>,
}

/// Whether a provider can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentProviderState")]
pub enum ProviderState {
    /// It can.
    Ready,
    /// It may be: its program does not say whether somebody is logged in.
    Unknown,
    /// Its program is being asked, and has not answered yet; the next call may tell more.
    Checking,
    /// Nobody is logged in.
    LoggedOut,
    /// It is older than any that it was tried with.
    TooOld,
    /// Its program is there and does not run.
    Broken,
    /// There is no such program.
    Missing,
}

/// How a version compares with those that were tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentTested")]
pub enum Tested {
    /// It is one of them, or between them.
    Within,
    /// It is newer, and should work.
    Newer,
    /// It is older.
    Older,
}

/// How a program is asked about itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) install_url: &'static str,
    /// The oldest and the newest version that it was tried with.
    pub(super) tested: (&'static str, &'static str),
    /// The arguments that make it speak, which are none of those that it is asked with.
    pub(super) speaks: &'static [&'static str],
    /// What tells whether somebody is logged in.
    pub(super) auth: Option<Auth>,
}

impl Kind {
    /// The arguments that ask a program for something: behind its own, which may name what an interpreter or a launcher runs.
    fn asked<'a>(&self, program: &'a Program, with: &[&'a str]) -> Vec<&'a str> {
        let own = program.args.iter().map(String::as_str).filter(|arg| !self.speaks.contains(arg));
        own.chain(with.iter().copied()).collect()
    }
}

/// How a program tells whether somebody is logged in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Auth {
    pub(super) args: &'static [&'static str],
    pub(super) read: fn(&Answer) -> Option<Login>,
    /// What to do where nobody is.
    pub(super) hint: &'static str,
}

/// Whether somebody is logged in, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) is_in: bool,
    pub(super) method: Option<String>,
}

/// What a program answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) is_success: bool,
    pub(super) stdout: String,
}

pub(super) const CLAUDE: Kind = Kind {
    id: "claude",
    name: "Claude Code",
    install_url: "https://docs.claude.com/en/docs/claude-code/setup",
    tested: ("2.1.197", "2.1.329"),
    speaks: &[],
    auth: Some(Auth { args: &["auth", "status", "--json"], read: claude_login, hint: "run `claude auth login`" }),
};

pub(super) const CODEX: Kind = Kind {
    id: "codex",
    name: "Codex",
    install_url: "https://developers.openai.com/codex/cli",
    tested: ("0.169.0", "0.169.0"),
    speaks: &[],
    auth: Some(Auth { args: &["login", "status"], read: codex_login, hint: "run `codex login`" }),
};

pub(super) const GEMINI: Kind = Kind {
    id: "gemini",
    name: "Gemini CLI",
    install_url: "https://github.com/google-gemini/gemini-cli",
    tested: ("0.61.0", "0.61.0"),
    speaks: &["--acp", "--experimental-acp"],
    auth: None,
};

/// It says so by how it exits.
fn codex_login(answer: &Answer) -> Option<Login> {
    Some(Login { is_in: answer.is_success, method: None })
}

fn claude_login(answer: &Answer) -> Option<Login> {
    let status: Value = serde_json::from_str(answer.stdout.trim()).ok()?;
    let method = status["authMethod"].as_str().filter(|method| *method != "none").map(str::to_owned);
    Some(Login { is_in: status["loggedIn"].as_bool()?, method })
}

/// What a look at a provider has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    pub(super) info: ProviderInfo,
    /// Whether a program was asked and did not answer in time, so that it may be worth while to ask again.
    pub(super) is_silent: bool,
}

impl Sighting {
    pub(super) fn of(info: ProviderInfo) -> Sighting {
        Sighting { info, is_silent: false }
    }
}

/// A provider whose program is being asked.
pub(super) fn checked(kind: &Kind, abilities: Abilities) -> ProviderInfo {
    ProviderInfo {
        name: kind.name.to_owned(),
        install_url: Some(kind.install_url.to_owned()),
        ..looked_for(kind.id, abilities)
    }
}

/// A provider of which no more is known than its id.
pub(super) fn looked_for(id: &str, abilities: Abilities) -> ProviderInfo {
    ProviderInfo {
        id: id.to_owned(),
        name: id.split_once(':').map_or(id, |(_, name)| name).to_owned(),
        state: ProviderState::Checking,
        hint: Some("it has not answered yet; ask again in a moment".to_owned()),
        program: None,
        version: None,
        tested: None,
        auth_method: None,
        abilities,
        install_url: None,
    }
}

/// How such a program is asked about itself; none for one of which less is known.
pub(super) fn kind(id: &str) -> Option<&'static Kind> {
    [&CLAUDE, &CODEX, &GEMINI].into_iter().find(|kind| kind.id == id)
}

/// Whether a program is known to be older than any that it was tried with. One that does not say so is not.
pub(super) async fn outdated(supervisor: &Supervisor, kind: &Kind, program: &Program) -> Option<Outdated> {
    let path = located(&program.program).await?;
    let said = ask(supervisor, &path, &kind.asked(program, &["--version"]), &program.env, PATIENCE).await.ok()??;
    let version = version(&said.stdout).filter(|_| said.is_success)?;
    let is_older = compare(&version, kind.tested) == Tested::Older;
    is_older.then(|| Outdated { name: kind.name.to_owned(), version, oldest: kind.tested.0.to_owned() })
}

/// Looks for a program and asks it about itself.
pub(super) async fn look(supervisor: &Supervisor, kind: &Kind, program: &Program, abilities: Abilities) -> Sighting {
    let env = &program.env;
    let mut info = ProviderInfo {
        state: ProviderState::Missing,
        hint: Some(format!("install {}: {}", kind.name, kind.install_url)),
        ..checked(kind, abilities)
    };
    let Some(path) = located(&program.program).await else { return Sighting::of(info) };
    info.program = Some(path.to_string_lossy().into_owned());
    let said = match ask(supervisor, &path, &kind.asked(program, &["--version"]), env, PATIENCE).await {
        Ok(said) => said,
        Err(Silent) => {
            let hint = format!("{} does not answer to --version; end what hangs there, and look again", path.display());
            let info = ProviderInfo { state: ProviderState::Broken, hint: Some(hint), ..info };
            return Sighting { info, is_silent: true };
        }
    };
    let Some(version) = said.filter(|answer| answer.is_success).and_then(|answer| version(&answer.stdout)) else {
        info.hint = Some(format!("{} does not say its version; install {} anew", path.display(), kind.name));
        return Sighting::of(ProviderInfo { state: ProviderState::Broken, ..info });
    };
    let tested = compare(&version, kind.tested);
    (info.version, info.tested) = (Some(version), Some(tested));
    if tested == Tested::Older {
        info.hint = Some(format!("update {} to {} or newer", kind.name, kind.tested.0));
        return Sighting::of(ProviderInfo { state: ProviderState::TooOld, ..info });
    }
    let answer = match &kind.auth {
        Some(auth) => ask(supervisor, &path, &kind.asked(program, auth.args), env, PATIENCE).await,
        None => Ok(None),
    };
    let is_silent = answer.is_err();
    let answer = answer.unwrap_or_default();
    let login = kind.auth.as_ref().zip(answer).and_then(|(auth, answer)| (auth.read)(&answer));
    // Nobody has to be logged in where it was given another service, with a key of its own.
    let is_out = login.as_ref().is_some_and(|login| !login.is_in);
    let login = match is_out && kind.id == CODEX.id && !account::is_needed(supervisor, &path, program).await {
        true => None,
        false => login,
    };
    let (state, hint) = match &login {
        Some(Login { is_in: true, .. }) => (ProviderState::Ready, None),
        Some(_) => (ProviderState::LoggedOut, kind.auth.map(|auth| auth.hint.to_owned())),
        None => (ProviderState::Unknown, None),
    };
    let info = ProviderInfo { state, hint, auth_method: login.and_then(|login| login.method), ..info };
    Sighting { info, is_silent }
}

/// Programs that speak the Agent Client Protocol and that were tried, by their names: with which versions.
const ADAPTERS: [(&str, (&str, &str)); 2] =
    [("claude-agent-acp", ("0.100.0", "0.100.0")), ("codex-acp", ("2.6.0", "2.6.0"))];

/// Looks for a program that speaks the Agent Client Protocol, and asks it for its version. One that does not say it can be used
/// all the same.
pub(super) async fn look_for_acp(
    supervisor: &Supervisor,
    id: &str,
    program: &Program,
    abilities: Abilities,
) -> ProviderInfo {
    let info = look_for(id, &program.program, abilities).await;
    let Some(path) = info.program.as_ref().map(PathBuf::from) else { return info };
    let (name, args) = asked_for_version(&path, &program.args);
    let said = ask(supervisor, &path, &args, &program.env, SHORT_PATIENCE).await.unwrap_or_default();
    let version = said.filter(|answer| answer.is_success).and_then(|answer| version(&answer.stdout));
    let known = ADAPTERS.into_iter().find(|(adapter, _)| *adapter == name);
    let tested = version.as_ref().zip(known).map(|(version, (_, range))| compare(version, range));
    ProviderInfo { version, tested, ..info }
}

/// What a program is called, and the arguments that make it say its version: where an interpreter runs a script, it is that.
fn asked_for_version<'a>(program: &'a Path, args: &'a [String]) -> (&'a str, Vec<&'a str>) {
    fn name(path: &Path) -> &str {
        path.file_stem().and_then(OsStr::to_str).unwrap_or_default()
    }
    let script = args.first().filter(|arg| INTERPRETERS.contains(&name(program)) && !arg.starts_with('-'));
    match script {
        Some(script) => (name(Path::new(script)), vec![script, "--version"]),
        None => (name(program), vec!["--version"]),
    }
}

const INTERPRETERS: [&str; 6] = ["node", "bun", "deno", "python", "python3", "ruby"];

/// Looks for a program of which no more is known than that it answers.
pub(super) async fn look_for(id: &str, program: &OsStr, abilities: Abilities) -> ProviderInfo {
    let found = located(program).await.map(|path| path.to_string_lossy().into_owned());
    let missing = format!("install {}, or correct its program in the configuration", program.to_string_lossy());
    ProviderInfo {
        state: if found.is_some() { ProviderState::Unknown } else { ProviderState::Missing },
        hint: found.is_none().then_some(missing),
        program: found,
        ..looked_for(id, abilities)
    }
}

/// The same, beside whoever waits for other things: there are disks that take their time.
pub(super) async fn located(program: &OsStr) -> Option<PathBuf> {
    let program = program.to_owned();
    spawn_blocking(move || find(&program)).await.ok().flatten()
}

/// The `PATH` for a program: without the entries that depend on the folder that somebody is in; and where the program was found
/// beside `PATH`, with the folder that it was found in, which holds what it runs by. None where ours will do.
pub(super) fn path_for(program: Option<&Path>) -> Option<OsString> {
    let listed = std::env::var_os("PATH")?;
    let (mut kept, dropped): (Vec<PathBuf>, Vec<PathBuf>) =
        std::env::split_paths(&listed).partition(|folder| folder.is_absolute());
    let own = program.and_then(Path::parent).filter(|folder| !kept.iter().any(|known| known == folder));
    let own = own.filter(|folder| places::are_known(folder)).map(Path::to_owned);
    let is_ours = dropped.is_empty() && own.is_none();
    kept.extend(own);
    // What was taken apart by its separators can be put together by them.
    std::env::join_paths(kept).ok().filter(|_| !is_ours)
}

/// A folder in which nobody but the system's administrator has left settings: an agent that is asked about itself reads those of
/// the folder that it is in.
fn nowhere() -> Option<PathBuf> {
    if cfg!(windows) { std::env::home_dir() } else { Some(PathBuf::from("/")) }
}

/// A program that was asked about itself does not answer in time.
struct Silent;

/// What a program answers; nothing where it cannot be started.
async fn ask(
    supervisor: &Supervisor,
    program: &Path,
    args: &[&str],
    env: &[(String, String)],
    patience: Duration,
) -> Result<Option<Answer>, Silent> {
    let mut config = asking(program, env);
    config.args = args.iter().map(Into::into).collect();
    config.stdin = Input::Null;
    let Ok(child) = supervisor.spawn(config) else { return Ok(None) };
    // One that does not end is stopped as it is dropped.
    let Ok(exit) = timeout(patience, child.stopped()).await.map_err(|_| Silent)? else { return Ok(None) };
    let stdout = child.output(Stream::Stdout).last_lines(200).join("\n");
    Ok(Some(Answer { is_success: exit.is_success(), stdout }))
}

/// How a program is asked about itself.
fn asking(program: &Path, env: &[(String, String)]) -> ChildConfig {
    let mut config = ChildConfig::new(program);
    config.env = env.iter().map(|(name, value)| (name.into(), Some(value.into()))).collect();
    config.env.extend(path_for(Some(program)).map(|path| ("PATH".into(), Some(path))));
    config.cwd = nowhere();
    config.stop = StopLadder { signal_for: Duration::from_millis(500), ..StopLadder::default() };
    config
}

/// The first thing in a text that looks like a version.
fn version(text: &str) -> Option<String> {
    let words =
        text.split(|c: char| c.is_whitespace() || c == '(' || c == ')').map(|word| word.trim_start_matches('v'));
    words.into_iter().find(|word| numbers(word).len() >= 2).map(str::to_owned)
}

/// The numbers at the beginning of a version.
fn numbers(version: &str) -> Vec<u64> {
    let parts = version.split('.').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    parts.map_while(|number| number).collect()
}

fn compare(version: &str, (oldest, newest): (&str, &str)) -> Tested {
    let version = numbers(version);
    match (version < numbers(oldest), version > numbers(newest)) {
        (true, _) => Tested::Older,
        (false, true) => Tested::Newer,
        (false, false) => Tested::Within,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_what_programs_say() {
        let found = |text| version(text).unwrap_or_default();
        assert_eq!(found("2.1.329 (Claude Code)"), "2.1.329");
        assert_eq!(found("codex-cli 0.169.0\n"), "0.169.0");
        assert_eq!(found("v1.2.3-beta.1"), "1.2.3-beta.1");
        assert_eq!(version("no version here 7"), None);
    }

    #[test]
    fn a_newer_version_is_marked_and_an_older_one_refused() {
        let range = ("2.1.197", "2.1.329");
        let compared =
            ["2.1.197", "2.1.300", "2.1.330", "2.2", "3.0.0", "2.1.99", "1.99.999"].map(|v| compare(v, range));
        use Tested::{Newer, Older, Within};
        assert_eq!(compared, [Within, Within, Newer, Newer, Newer, Older, Older]);
    }

    #[test]
    fn a_login_is_read_from_what_the_program_says() {
        let read = |stdout: &str| claude_login(&Answer { is_success: true, stdout: stdout.into() });
        let key = Some(Login { is_in: true, method: Some("api_key".into()) });
        assert_eq!(read(r#"{"loggedIn":true,"authMethod":"api_key"}"#), key);
        assert_eq!(read(r#"{"loggedIn":false,"authMethod":"none"}"#), Some(Login { is_in: false, method: None }));
        assert_eq!(read("what?"), None);
    }
}
