//! What the defaults depend on: the user's folders and the working directory. Read once, so that everything else is a
//! function of it.

use std::env;
use std::path::{Path, PathBuf};

/// The folders of the process and its user.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// Where sockets and tokens go: private to the user.
    pub(crate) runtime_dir: PathBuf,
    /// Where state goes that is to outlive the session of the user.
    pub(crate) state_dir: PathBuf,
    /// The user's configuration file, whether it is there or not.
    pub(crate) config_file: PathBuf,
    /// The built page of the console, as it is installed beside this program.
    pub(crate) console_dir: PathBuf,
    pub(crate) home: Option<PathBuf>,
    pub(crate) working_dir: PathBuf,
    pub(crate) user: String,
}

impl Surroundings {
    /// Those of this process. Without a home folder, paths that need one start at the working directory.
    pub(crate) fn of_process() -> Surroundings {
        let working_dir = env::current_dir().unwrap_or_default();
        let home = env::home_dir().filter(|home| home.is_absolute());
        let base = home.clone().unwrap_or_else(|| working_dir.clone());
        Surroundings {
            runtime_dir: runtime_dir(&base),
            state_dir: state_dir(&base),
            config_file: config_dir(&base).join("sixframe").join("sixframe.toml"),
            console_dir: console_dir(&working_dir),
            home,
            working_dir,
            user: folder("USERNAME").map_or_else(|| "user".to_owned(), |name| name.to_string_lossy().into_owned()),
        }
    }

    /// Those that the example file shows.
    pub(crate) fn example() -> Surroundings {
        Surroundings {
            runtime_dir: PathBuf::from("/run/user/1000/sixframe"),
            state_dir: PathBuf::from("/srv/user/.local/state/sixframe"),
            config_file: PathBuf::from("/etc/sixframe.toml"),
            console_dir: PathBuf::from("/usr/local/share/sixframe/console"),
            home: None,
            working_dir: PathBuf::from("/srv/project"),
            user: "user".to_owned(),
        }
    }

    /// The local address of the daemon: a socket file, or a named pipe on Windows.
    pub(crate) fn local_address(&self) -> String {
        if cfg!(windows) {
            return format!("pipe:sixframe-{}", self.user);
        }
        format!("unix:{}/sixframe.sock", self.runtime_dir.display())
    }

    /// The folder that the daemon was started in, unless that is the root of the file system.
    pub(crate) fn started_in(&self) -> Vec<PathBuf> {
        self.working_dir.parent().map(|_| self.working_dir.clone()).into_iter().collect()
    }
}

fn runtime_dir(base: &Path) -> PathBuf {
    if cfg!(windows) {
        return local_app_data(base).join("sixframe");
    }
    folder("XDG_RUNTIME_DIR").map_or_else(|| base.join(".sixframe"), |dir| dir.join("sixframe"))
}

/// `../share/sixframe/console`, seen from the folder of this program.
fn console_dir(working_dir: &Path) -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    let prefix = program.parent().and_then(Path::parent).unwrap_or(working_dir);
    prefix.join("share").join("sixframe").join("console")
}

fn state_dir(base: &Path) -> PathBuf {
    if cfg!(windows) {
        return local_app_data(base).join("sixframe").join("state");
    }
    folder("XDG_STATE_HOME").unwrap_or_else(|| base.join(".local").join("state")).join("sixframe")
}

fn config_dir(base: &Path) -> PathBuf {
    if cfg!(windows) {
        return folder("APPDATA").unwrap_or_else(|| base.join("AppData").join("Roaming"));
    }
    folder("XDG_CONFIG_HOME").unwrap_or_else(|| base.join(".config"))
}

fn local_app_data(base: &Path) -> PathBuf {
    folder("LOCALAPPDATA").unwrap_or_else(|| base.join("AppData").join("Local"))
}

/// A variable that holds a folder; an empty one is as good as none, as the XDG specification has it.
fn folder(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}
