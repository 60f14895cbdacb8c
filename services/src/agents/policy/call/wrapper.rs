//! Programs that run another one: where that begins among their words.

use std::collections::BTreeSet;

use super::super::shell::Word;

/// A program that runs another one.
pub(super) struct Wrapper {
    name: &'static str,
    /// Its options that take a value: letters, and long names.
    valued: (&'static str, &'static [&'static str]),
    /// Its options that take none.
    flags: (&'static str, &'static [&'static str]),
    /// How many words it takes in front of the other one.
    taken: usize,
    /// Whether it may take one more, behind which may stand more options.
    may_take: bool,
    /// Whether it does nothing else, where it is called without options.
    pub(super) is_plain: bool,
}

const fn wrapper(name: &'static str, valued: &'static str, flags: &'static str) -> Wrapper {
    Wrapper { name, valued: (valued, &[]), flags: (flags, &[]), taken: 0, may_take: false, is_plain: false }
}

const WRAPPERS: [Wrapper; 35] = [
    Wrapper { taken: 1, is_plain: true, ..wrapper("timeout", "ks", "fpv").long(&["kill-after", "signal"], TIMEOUT) },
    Wrapper { taken: 1, ..wrapper("gtimeout", "ks", "fpv").long(&["kill-after", "signal"], TIMEOUT) },
    Wrapper { is_plain: true, ..wrapper("nice", "n", "0123456789").long(&["adjustment"], &[]) },
    Wrapper { is_plain: true, ..wrapper("command", "", "pvV") },
    Wrapper {
        is_plain: true,
        ..wrapper("env", "uCSaP", "i0v").long(
            &["unset", "chdir", "split-string", "argv0"],
            &[
                "ignore-environment",
                "null",
                "debug",
                "block-signal",
                "default-signal",
                "ignore-signal",
                "list-signal-handling",
            ],
        )
    },
    wrapper("nohup", "", ""),
    wrapper("time", "fo", "alpqvhV").long(&["format", "output"], &["append", "portability", "quiet", "verbose"]),
    wrapper("setsid", "", "cfw").long(&[], &["ctty", "fork", "wait"]),
    wrapper("builtin", "", ""),
    wrapper("exec", "a", "cl"),
    wrapper("noglob", "", ""),
    wrapper("nocorrect", "", ""),
    wrapper("ionice", "cnpPu", "t").long(&["class", "classdata", "pid", "pgid", "uid"], &["ignore"]),
    wrapper("stdbuf", "ioe", "").long(&["input", "output", "error"], &[]),
    wrapper("unbuffer", "", "p"),
    wrapper("caffeinate", "tw", "disum"),
    wrapper("watch", "nqs", "bcCdegprtwxf").long(
        &["interval", "equexit", "shotsdir"],
        &["beep", "color", "no-color", "differences", "errexit", "chgexit", "precise", "no-title", "no-wrap", "exec"],
    ),
    wrapper("strace", "abeEIoOpPsSuUX", "cCdfFhiknNqrtTvVwxyYzZ")
        .long(&[], &["follow-forks", "seccomp-bpf", "version"]),
    wrapper("ltrace", "aAeEopsu", "bcCfhiLrStTV"),
    Wrapper { taken: 1, ..wrapper("taskset", "", "apc").long(&[], &["all-tasks", "pid", "cpu-list"]) },
    Wrapper { taken: 1, ..wrapper("chrt", "TPD", "abdefimoprRv") },
    Wrapper {
        taken: 1,
        ..wrapper("flock", "wE", "sxeunoF").long(
            &["wait", "timeout", "conflict-exit-code"],
            &["shared", "exclusive", "unlock", "nonblock", "nb", "close", "no-fork", "verbose"],
        )
    },
    Wrapper { taken: 1, ..wrapper("chroot", "", "").long(&["userspec", "groups"], &["skip-chdir"]) },
    wrapper("unshare", "RwSG", "minpuUCTrcf").long(
        &["root", "wd", "setuid", "setgid", "propagation", "setgroups"],
        &["mount", "ipc", "net", "pid", "uts", "user", "cgroup", "time", "fork", "map-root-user"],
    ),
    wrapper("nsenter", "tSG", "minpuUCTrwFZae").long(&["target", "setuid", "setgid"], &["all", "no-fork"]),
    // `linux32` and `linux64`.
    wrapper("linux", "", "BFILRSTXZv3"),
    wrapper("busybox", "", ""),
    wrapper("toybox", "", ""),
    wrapper("doas", "uCa", "nsL"),
    wrapper("sudo", "ugCDhpRTUacrt", "AbBEeHiKklNnPSsvV").long(
        &["user", "group", "close-from", "chdir", "host", "prompt", "chroot", "command-timeout", "other-user"],
        &["background", "set-home", "login", "non-interactive", "preserve-env", "stdin", "shell", "askpass"],
    ),
    wrapper("pkexec", "", "").long(&["user"], &["disable-internal-agent", "keep-cwd"]),
    wrapper("xargs", "IEJRSLnPsda", "0oprtxeil").long(
        &["arg-file", "delimiter", "max-args", "max-chars", "max-procs", "process-slot-var"],
        &["null", "open-tty", "interactive", "no-run-if-empty", "verbose", "exit", "eof", "replace", "max-lines"],
    ),
    wrapper("parallel", "jaINLnPsd", "0kqtuvX").long(&["jobs", "arg-file"], &["keep-order", "verbose", "dry-run"]),
    Wrapper {
        may_take: true,
        ..wrapper("script", "cIOBTEo", "aefqkr").long(&["command"], &["append", "quiet", "flush", "return"])
    },
    Wrapper { may_take: true, ..wrapper("setarch", "", "BFILRSTXZv3") },
];

const TIMEOUT: &[&str] = &["foreground", "preserve-status", "verbose"];

/// What an option makes of the word behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Other,
    Value,
    /// Either of them.
    Unknown,
}

/// How a call of such a program may be read.
pub(super) struct Reading {
    /// Where the other program may begin.
    pub(super) starts: BTreeSet<usize>,
    /// Where its options stand.
    pub(super) options: Vec<usize>,
}

impl Wrapper {
    pub(super) fn of(name: &str) -> Option<&'static Wrapper> {
        WRAPPERS.iter().find(|wrapper| wrapper.name == name)
    }

    const fn long(self, valued: &'static [&'static str], flags: &'static [&'static str]) -> Wrapper {
        Wrapper { valued: (self.valued.0, valued), flags: (self.flags.0, flags), ..self }
    }

    /// Where the other program begins; behind options that are not known, it may in two places.
    pub(super) fn read(&self, words: &[Word]) -> Reading {
        let mut reading = Reading { starts: BTreeSet::new(), options: Vec::new() };
        self.read_from(1, words, &mut reading);
        if self.may_take {
            for taken in reading.starts.clone() {
                self.read_from(taken + 1, words, &mut reading);
            }
        }
        reading.options.sort_unstable();
        reading.options.dedup();
        reading
    }

    fn read_from(&self, start: usize, words: &[Word], reading: &mut Reading) {
        let mut seen = BTreeSet::new();
        let mut open = vec![start];
        while let Some(at) = open.pop() {
            if !seen.insert(at) {
                continue;
            }
            // A dash alone empties the environment.
            let is_option = |word: &&Word| word.text.starts_with('-') && (word.text.len() > 1 || self.name == "env");
            let Some(option) = words.get(at).filter(is_option) else {
                reading.starts.insert(at + self.taken);
                continue;
            };
            reading.options.push(at);
            match self.next(&option.text) {
                _ if option.text == "--" => drop(reading.starts.insert(at + 1 + self.taken)),
                Next::Other => open.push(at + 1),
                Next::Value => open.push(at + 2),
                Next::Unknown => open.extend([at + 2, at + 1]),
            }
        }
    }

    fn next(&self, option: &str) -> Next {
        match option.strip_prefix("--") {
            Some(long) if long.contains('=') => Next::Other,
            Some(long) => {
                // Its name may be cut short.
                let is_one = |names: &[&str]| names.iter().any(|name| name.starts_with(long));
                let is_whole = |names: &[&str]| names.contains(&long);
                match (is_one(self.valued.1), is_one(self.flags.1)) {
                    (true, false) => Next::Value,
                    (false, true) => Next::Other,
                    (true, true) if is_whole(self.flags.1) => Next::Other,
                    (true, true) if is_whole(self.valued.1) => Next::Value,
                    (true, true) | (false, false) => Next::Unknown,
                }
            }
            None => self.behind_letters(&option[1..]),
        }
    }

    fn behind_letters(&self, letters: &str) -> Next {
        for (at, letter) in letters.char_indices() {
            if self.valued.0.contains(letter) {
                let is_attached = at + letter.len_utf8() < letters.len();
                return if is_attached { Next::Other } else { Next::Value };
            }
            if !self.flags.0.contains(letter) {
                return Next::Unknown;
            }
        }
        Next::Other
    }
}
