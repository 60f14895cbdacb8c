//! The mark that everything below a supervisor carries in its environment: how it is found again where parents and sessions
//! tell nothing any more.

use std::fmt;

/// The variable.
pub(crate) const VARIABLE: &str = "_SIXFRAME_TREE";

/// One supervisor in one process: a random number, never used again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instance(String);

impl Instance {
    pub(crate) fn new() -> Result<Instance, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Instance(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    #[cfg(unix)]
    pub(crate) fn named(name: &str) -> Instance {
        Instance(name.to_owned())
    }

    /// The value of the variable for one of its children: a supervised supervisor keeps the mark that it carries itself.
    pub(crate) fn mark(&self, generation: u64) -> String {
        let own = format!("{self}.{generation}");
        std::env::var(VARIABLE).map_or(own.clone(), |outer| format!("{outer}/{own}"))
    }

    /// Whether a value of the variable belongs to one of its children, or to this one.
    #[cfg(unix)]
    pub(crate) fn is_in(&self, value: &[u8], generation: Option<u64>) -> bool {
        let is_ours = |part: &[u8]| {
            let rest = part.strip_prefix(self.0.as_bytes()).and_then(|rest| rest.strip_prefix(b"."));
            rest.is_some_and(|rest| generation.is_none_or(|number| rest == number.to_string().as_bytes()))
        };
        value.split(|byte| *byte == b'/').any(is_ours)
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_within_others_and_a_longer_number_is_not() {
        let ours = Instance::named("ab");
        assert!(ours.is_in(b"ab.1", None) && ours.is_in(b"ff.3/ab.1/cd.2", Some(1)));
        assert!(!ours.is_in(b"ab.12", Some(1)) && !ours.is_in(b"abc.1", None) && !ours.is_in(b"", None));
    }
}
