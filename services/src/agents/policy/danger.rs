//! What is dangerous about a call: rules with a name, a risk, what becomes of it in the mode `auto`, and words for a person.

mod fed;
mod files;
mod git;
mod options;
mod search;

pub(super) use fed::{is_redirected_badly, is_told};
pub(super) use files::{changes_in_place, held, hidden, read, written};
pub(super) use git::{VALUED as GIT_VALUED, subcommand};
pub(super) use search::{Through, has_sure_operands, may_take_next, through};

use std::path::Path;

use super::super::permission::Risk;
use super::call::{Call, SHELLS};
use super::harmless::reads_files;
use super::place::{Ground, may_be_a_word};
use super::shell::Join;

/// A rule that holds for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// The rule's name.
    pub(super) rule: &'static str,
    /// How much harm may be done.
    pub(super) risk: Risk,
    /// Why, for a person and for the agent.
    pub(super) text: String,
}

impl Finding {
    pub(super) fn new(rule: &'static str, risk: Risk, text: impl Into<String>) -> Finding {
        Finding { rule, risk, text: text.into() }
    }

    /// What nobody should do by the way is denied where nobody is asked.
    pub(super) fn is_ruinous(&self) -> bool {
        self.risk == Risk::Critical
    }
}

/// Where a call is looked at.
pub(super) struct Scene<'a> {
    pub(super) ground: &'a Ground,
    /// Where it works, as far as that is known.
    pub(super) cwd: &'a Path,
    /// How sure that is.
    pub(super) stand: Stand,
    /// Whether anything in the same pipeline, or substituted in the line, reaches out to the network.
    pub(super) has_fetched: bool,
    /// How many calls before it in the line have folders searched, which takes time to look up.
    pub(super) searches: usize,
}

impl Scene<'_> {
    /// Whether a word that a call is given is none of a file with keys, though it ends like one: the call is one that takes
    /// texts, and there is no such file.
    pub(super) fn is_text(&self, call: &Call, word: &str) -> bool {
        may_be_a_word(word)
            && self.stand == Stand::Here
            && takes_texts(call)
            && self.cwd.join(word).symlink_metadata().is_err()
    }
}

/// Whether what a call is given may be texts, and files that it names are those where it runs.
fn takes_texts(call: &Call) -> bool {
    let leads_elsewhere = ["-C", "--dir", "--cwd", "--prefix"];
    match call.name.as_str() {
        "rg" | "grep" | "egrep" | "fgrep" => true,
        "git" => matches!(call.operand(0), "commit" | "tag" | "grep"),
        "find" | "fd" => false,
        name => {
            !reads_files(name).unwrap_or_default()
                && !call.given().any(|word| leads_elsewhere.iter().any(|option| word.starts_with(option)))
        }
    }
}

/// How much is known of the folder in which a call works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// It is this one.
    Here,
    /// It is one of the session's.
    Within,
    /// It may be any.
    Anywhere,
}

/// Programs and what they are, where the name says all: the rule, the risk, the words.
const NAMED: [(&[&str], &str, Risk, &str); 15] = [
    (
        &["sudo", "doas", "su", "pkexec", "runuser", "run", "gosu", "setpriv", "runas"],
        "other_user",
        Risk::Critical,
        "runs with the rights of another user",
    ),
    (
        &[
            "mkfs",
            "fdisk",
            "sfdisk",
            "gdisk",
            "parted",
            "wipefs",
            "mkswap",
            "diskutil",
            "shred",
            "srm",
            "wipe",
            "blkdiscard",
        ],
        "disk",
        Risk::Critical,
        "destroys what is on a disk, for good",
    ),
    (&["shutdown", "reboot", "halt", "poweroff", "init", "telinit"], "power", Risk::Critical, "ends the machine"),
    (
        &[
            "useradd",
            "userdel",
            "usermod",
            "passwd",
            "chpasswd",
            "visudo",
            "iptables",
            "nft",
            "ufw",
            "mount",
            "umount",
            "insmod",
            "rmmod",
            "modprobe",
            "sysctl",
            "swapoff",
            "swapon",
            "hostnamectl",
            "timedatectl",
            "chroot",
            "nsenter",
        ],
        "system_settings",
        Risk::Critical,
        "changes settings of the system",
    ),
    (
        &[
            "crontab",
            "at",
            "batch",
            "launchctl",
            "systemctl",
            "systemd-run",
            "service",
            "schtasks",
            "defaults",
            "screen",
            "tmux",
            "zellij",
            "dtach",
            "disown",
            "daemonize",
            "dbus-send",
            "busctl",
            "gdbus",
            "xdg-open",
            "open",
        ],
        "later",
        Risk::High,
        "makes something run later, or changes what runs by itself",
    ),
    (
        &[
            "curl",
            "wget",
            "aria2c",
            "http",
            "https",
            "xh",
            "nc",
            "ncat",
            "netcat",
            "socat",
            "telnet",
            "ftp",
            "tftp",
            "lftp",
            "ssh",
            "scp",
            "sftp",
            "rsync",
            "rclone",
            "dig",
            "nslookup",
            "host",
            "ping",
            "traceroute",
            "nmap",
            "gh",
            "glab",
            "aws",
            "gcloud",
            "az",
            "heroku",
            "fly",
            "vercel",
            "netlify",
            "croc",
            "wormhole",
            "ngrok",
            "cloudflared",
            "mail",
            "mailx",
            "mutt",
            "sendmail",
            "msmtp",
        ],
        "network",
        Risk::High,
        "reaches out to the network",
    ),
    (
        &[
            "apt", "apt-get", "dpkg", "dnf", "yum", "rpm", "pacman", "apk", "zypper", "snap", "flatpak", "brew",
            "port", "nix", "nix-env", "choco", "winget", "scoop",
        ],
        "install",
        Risk::High,
        "changes which programs are installed",
    ),
    (&["npx", "bunx", "uvx", "pipx", "dlx"], "foreign_program", Risk::High, "may fetch a program and run it"),
    (
        &[
            "docker",
            "podman",
            "nerdctl",
            "kubectl",
            "helm",
            "terraform",
            "tofu",
            "pulumi",
            "ansible",
            "ansible-playbook",
            "vagrant",
        ],
        "containers",
        Risk::High,
        "changes containers or machines, which may see all of this one",
    ),
    (
        &[
            "psql",
            "mysql",
            "mariadb",
            "sqlite",
            "mongo",
            "mongosh",
            "redis-cli",
            "dropdb",
            "createdb",
            "cqlsh",
            "influx",
        ],
        "databases",
        Risk::High,
        "changes what a database holds, or runs what it is told",
    ),
    (
        &["eval", "source", ".", "trap", "alias", "enable", "hash", "bind"],
        "made_up",
        Risk::High,
        "runs what is made up or read first, or changes what commands mean",
    ),
    (
        &[
            "printenv",
            "compgen",
            "security",
            "pass",
            "keyring",
            "secret-tool",
            "gpg",
            "ssh-add",
            "ssh-keygen",
            "op",
            "vault",
        ],
        "secrets",
        Risk::High,
        "shows or changes keys, or the environment, where keys often stand",
    ),
    (&["sixframe"], "own_daemon", Risk::High, "calls the daemon that watches over agents"),
    (&["claude", "codex", "gemini", "opencode", "goose"], "other_agent", Risk::High, "starts another agent"),
    (
        &["chown", "chgrp", "chattr", "setfacl", "xattr"],
        "permissions",
        Risk::High,
        "changes whose files are, and who may read them",
    ),
];

/// Variables that change what a program does or loads.
const LOADERS: [&str; 21] = [
    "PATH",
    "IFS",
    "ENV",
    "BASH_ENV",
    "SHELLOPTS",
    "BASHOPTS",
    "PS4",
    "CDPATH",
    "HOME",
    "SHELL",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "BROWSER",
    "NODE_OPTIONS",
    "NODE_PATH",
    "RUBYOPT",
    "RUBYLIB",
    "JAVA_TOOL_OPTIONS",
    "ZDOTDIR",
    "RUSTC_WRAPPER",
];

/// What is dangerous about a call.
pub(super) fn findings(call: &Call, scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let named = NAMED.iter().filter(|(names, ..)| names.contains(&call.name.as_str()) || is_family(call, names));
    found.extend(named.map(|(_, rule, risk, text)| Finding::new(rule, *risk, format!("`{}` {text}", shown(call)))));
    found.extend(assigned(call));
    found.extend(interpreted(call, scene));
    found.extend(processes(call));
    found.extend(packages(call));
    found.extend(environment(call));
    found.extend(git::findings(call, scene));
    found.extend(options::findings(call));
    found.extend(search::findings(call, scene));
    found.extend(files::findings(call, scene));
    if call.words.first().is_some_and(|word| !word.is_known) {
        let text = "which program runs is only known when it does".to_owned();
        found.push(Finding::new("unknown_program", Risk::High, text));
    }
    found
}

/// Programs of one family, such as `mkfs.ext4`.
fn is_family(call: &Call, names: &[&str]) -> bool {
    call.name.split_once('.').is_some_and(|(family, _)| family == "mkfs" && names.contains(&"mkfs"))
}

pub(super) fn shown(call: &Call) -> String {
    call.words.first().map_or_else(String::new, |word| word.text.clone())
}

fn assigned(call: &Call) -> Option<Finding> {
    let behind_env =
        call.given().filter(|_| call.name == "env" || call.name == "export").filter_map(|word| word.split_once('='));
    let names = call.assignments.iter().filter_map(|word| word.assigned());
    let is_loader = |name: &&str| {
        let starts = ["LD_", "DYLD_", "GIT_", "PYTHON", "PERL5", "GCONV_", "BASH_FUNC"];
        LOADERS.contains(name) || starts.iter().any(|start| name.starts_with(start))
    };
    let loader = names.chain(behind_env.map(|(name, _)| name)).find(is_loader)?;
    Some(Finding::new("loader_variable", Risk::High, format!("{loader} changes what programs are run or load")))
}

/// Programs that run what they are given as text.
pub(super) const INTERPRETERS: [&str; 27] = [
    "python",
    "pypy",
    "node",
    "nodejs",
    "deno",
    "bun",
    "perl",
    "ruby",
    "php",
    "lua",
    "luajit",
    "tclsh",
    "osascript",
    "pwsh",
    "powershell",
    "awk",
    "gawk",
    "rscript",
    "groovy",
    "irb",
    "guile",
    "iex",
    "ghci",
    "jshell",
    "gnuplot",
    "swift",
    "expect",
];

fn interpreted(call: &Call, scene: &Scene<'_>) -> Option<Finding> {
    let is_shell = SHELLS.contains(&call.name.as_str());
    let is_interpreter = is_shell || INTERPRETERS.contains(&call.name.as_str());
    let sources = ["eval", "source", "."].contains(&call.name.as_str());
    if !is_interpreter && !sources {
        return None;
    }
    let is_fed = call.join == Join::Pipe
        || call.redirects.iter().any(|redirect| redirect.way != super::shell::Way::Write)
        || call.words.iter().any(|word| word.text == "<(");
    let gives_code = call.has(if is_shell { "c" } else { "ceErpn" }, &["eval", "print", "command"]);
    let reads_code = is_fed && (is_shell || !matches!(call.name.as_str(), "awk" | "gawk"));
    let unknown = !call.is_known();
    if scene.has_fetched && (reads_code || unknown) {
        let text = format!("`{}` may run what comes from the network", shown(call));
        return Some(Finding::new("fetched_code", Risk::Critical, text));
    }
    let text = match (reads_code, gives_code && !is_shell) {
        (true, _) => "runs the text that it is fed",
        (false, true) => "runs a program that stands in the line",
        (false, false) if is_shell && gives_code && call.is_known() => return None,
        (false, false) => "runs a program of its own",
    };
    Some(Finding::new("interpreter", Risk::High, format!("`{}` {text}", shown(call))))
}

fn processes(call: &Call) -> Option<Finding> {
    if !["kill", "pkill", "killall", "killall5", "skill", "xkill", "taskkill"].contains(&call.name.as_str()) {
        return None;
    }
    let all =
        call.given().skip(usize::from(call.operand(0) != call.words.get(1).map_or("", |word| word.text.as_str())));
    let ends_all = call.name == "killall" && call.words[0].text.ends_with('5')
        || call.name == "kill" && all.into_iter().any(|word| ["-1", "1", "0"].contains(&word));
    let risk = if ends_all { Risk::Critical } else { Risk::High };
    let text =
        if ends_all { "ends every program of the user, or the system's first" } else { "ends programs that run" };
    Some(Finding::new("processes", risk, format!("`{}` {text}", shown(call))))
}

/// Package managers and the words by which they install; and those by which they publish.
const PACKAGES: [(&[&str], &[&str]); 6] = [
    (
        &["npm", "pnpm", "yarn", "bun", "cnpm"],
        &[
            "install", "i", "in", "ins", "inst", "add", "ci", "update", "up", "upgrade", "link", "exec", "x", "dlx",
            "create", "init", "rebuild",
        ],
    ),
    (
        &["pip", "uv", "poetry", "pdm", "conda", "mamba", "easy_install", "rye", "hatch"],
        &["install", "add", "sync", "update", "create", "pip", "tool", "run", "lock"],
    ),
    (&["cargo"], &["install", "add", "update", "binstall", "generate-lockfile", "login", "owner", "yank"]),
    (&["go"], &["install", "get", "mod", "generate"]),
    (
        &["gem", "bundle", "composer", "mix", "cabal", "stack", "opam", "luarocks", "dotnet", "nuget"],
        &["install", "update", "add", "require", "restore", "tool"],
    ),
    (
        &["rustup", "nvm", "fnm", "volta", "asdf", "mise", "pyenv", "rbenv", "sdk"],
        &["install", "update", "toolchain", "component", "target", "use", "global", "self", "default"],
    ),
];

fn packages(call: &Call) -> Option<Finding> {
    if call.operands().any(|word| word.text == "publish") {
        let text = format!("`{} publish` gives what is here to everybody", shown(call));
        return Some(Finding::new("publish", Risk::High, text));
    }
    let is_manager = |names: &&[&str]| names.contains(&call.name.as_str());
    let (_, words) = PACKAGES.iter().find(|(names, _)| is_manager(names))?;
    let by_module = call.given().any(|word| words.contains(&word));
    // Yarn installs where it is told nothing.
    let is_bare = call.name == "yarn" && call.operands().next().is_none();
    let text = || format!("`{}` fetches packages, which may run programs of their own", shown(call));
    (by_module || is_bare).then(|| Finding::new("install", Risk::High, text()))
}

fn environment(call: &Call) -> Option<Finding> {
    let shows = match call.name.as_str() {
        "env" => call.wraps == super::call::Wraps::Nothing,
        "set" | "export" | "declare" | "typeset" | "readonly" | "local" => true,
        _ => false,
    };
    let text = || format!("`{}` shows or changes the environment, where keys often stand", shown(call));
    shows.then(|| Finding::new("secrets", Risk::High, text()))
}

/// Whether a call reaches out to the network.
pub(super) fn fetches(call: &Call) -> bool {
    NAMED.iter().any(|(names, rule, ..)| *rule == "network" && names.contains(&call.name.as_str()))
}
