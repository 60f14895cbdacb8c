//! Where a peer is, as one string: what users write in a configuration, on a command line, in a log.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use sixframe_core::TransportError;

/// The address of a peer. `Display` writes what `FromStr` reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// `stdio:`, our own standard input and output.
    Stdio,
    /// `unix:/path`, a unix socket.
    Unix(PathBuf),
    /// `pipe:name`, a Windows named pipe without its `\\.\pipe\`.
    Pipe(String),
    /// `ws://host:port/path` or `wss://…`, a WebSocket. Never holds a token.
    WebSocket(String),
    /// `exec:program args`, a program to start. Arguments are quoted as for a shell, but none runs: no variables, no globs, no pipes.
    Exec {
        /// The program, a path or a name in `PATH`.
        program: String,
        /// Its arguments.
        args: Vec<String>,
    },
}

impl FromStr for Address {
    type Err = TransportError;

    fn from_str(text: &str) -> Result<Address, TransportError> {
        let (scheme, rest) = text.split_once(':').ok_or_else(|| invalid(text, "it has no scheme"))?;
        match scheme {
            "stdio" if rest.is_empty() => Ok(Address::Stdio),
            "stdio" => Err(invalid(text, "nothing follows stdio:")),
            "unix" if rest.is_empty() => Err(invalid(text, "a path follows unix:")),
            "unix" => Ok(Address::Unix(rest.into())),
            "pipe" if rest.is_empty() => Err(invalid(text, "a name follows pipe:")),
            "pipe" => Ok(Address::Pipe(rest.to_owned())),
            "ws" | "wss" => web_socket(text, rest),
            "exec" => exec(text, rest),
            _ => Err(invalid(text, "its scheme is unknown")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Stdio => f.write_str("stdio:"),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
            Address::Pipe(name) => write!(f, "pipe:{name}"),
            Address::WebSocket(url) => f.write_str(url),
            Address::Exec { program, args } => {
                write!(f, "exec:{}", shell_words::join(std::iter::once(program).chain(args)))
            }
        }
    }
}

fn web_socket(text: &str, rest: &str) -> Result<Address, TransportError> {
    let authority = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if authority.is_empty() {
        return Err(invalid(text, "a host follows ws://"));
    }
    if authority.contains('@') {
        let why = "it holds a user or password; give a token by configuration";
        return Err(TransportError::permanent(format!("this WebSocket address is refused: {why}"), None));
    }
    Ok(Address::WebSocket(text.to_owned()))
}

fn exec(text: &str, rest: &str) -> Result<Address, TransportError> {
    let mut words = shell_words::split(rest).map_err(|_| invalid(text, "a quote in it is not closed"))?.into_iter();
    match words.next() {
        Some(program) if !program.is_empty() => Ok(Address::Exec { program, args: words.collect() }),
        Some(_) | None => Err(invalid(text, "a program follows exec:")),
    }
}

fn invalid(text: &str, why: &str) -> TransportError {
    let forms = "write stdio:, unix:/path, pipe:name, ws://host:port, wss://host or exec:program args";
    TransportError::permanent(format!("{text:?} is no address: {why}; {forms}"), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_back() {
        let exec = |program: &str, args: &[&str]| Address::Exec {
            program: program.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        };
        for (text, address) in [
            ("stdio:", Address::Stdio),
            ("unix:/run/user/1000/a b.sock", Address::Unix("/run/user/1000/a b.sock".into())),
            ("pipe:sixframe-user", Address::Pipe("sixframe-user".to_owned())),
            ("ws://127.0.0.1:0/", Address::WebSocket("ws://127.0.0.1:0/".to_owned())),
            ("wss://box.example/engine", Address::WebSocket("wss://box.example/engine".to_owned())),
            ("exec:node server.js", exec("node", &["server.js"])),
            ("exec:sh -c 'echo $HOME; ls *'", exec("sh", &["-c", "echo $HOME; ls *"])),
            ("exec:'/opt/my tool' ''", exec("/opt/my tool", &[""])),
        ] {
            let read: Address = text.parse().unwrap();
            assert_eq!(read, address);
            assert_eq!(read.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_forms_that_are() {
        for text in [
            "",
            "/run/s",
            "stdio",
            "stdio:x",
            "unix:",
            "pipe:",
            "ws:",
            "ws://",
            "ws:///x",
            "ws:host",
            "exec:",
            "exec:  ",
            "exec:a 'b",
            "exec:'' a",
            "tcp://localhost:1",
            "http://localhost",
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.is_permanent() && error.to_string().contains("exec:program args"), "{error}");
        }
        let error = "ws://user:hunter2@host".parse::<Address>().unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
