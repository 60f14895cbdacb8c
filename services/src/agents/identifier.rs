//! Names for what is made here.

/// A name that nobody has and nobody can guess, behind what it is a name of.
pub(super) fn identifier(of: &str) -> String {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Systems without random numbers start no agents; for what is left, the clock tells names apart.
        let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
        bytes = since.map_or(0, |since| since.as_nanos()).to_be_bytes();
    }
    bytes.iter().fold(format!("{of}_"), |name, byte| format!("{name}{byte:02x}"))
}

/// Names for what a process does not name itself. Another process never gives the same ones, though it counts anew.
#[derive(Debug)]
pub(super) struct Names {
    process: String,
    given: u64,
}

impl Default for Names {
    fn default() -> Names {
        Names { process: identifier("own"), given: 0 }
    }
}

impl Names {
    /// The next one.
    pub(super) fn next(&mut self) -> String {
        self.given += 1;
        format!("{}-{}", self.process, self.given)
    }
}
