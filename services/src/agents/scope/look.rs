//! One look at the disk for one request, which has to come to an end: what is found out of a path is kept for as long as it goes
//! on, and where it takes too much, nothing more is found out. It belongs to the thread that looks.

use std::cell::RefCell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The most paths that are looked up, and for how long.
const MOST: (usize, Duration) = (20_000, Duration::from_secs(2));

thread_local! {
    static KNOWN: RefCell<Option<Known>> = const { RefCell::new(None) };
}

/// What is known of paths.
struct Known {
    paths: HashMap<PathBuf, Option<PathBuf>>,
    most: usize,
    until: Instant,
    /// Whether a path was not looked up.
    was_too_much: bool,
}

/// A look. It ends when this is dropped; one that begins within another one is a part of it.
#[derive(Debug)]
pub(in super::super) struct Look {
    is_part: bool,
    /// It stays on its thread.
    thread: PhantomData<*const ()>,
}

impl Look {
    pub(in super::super) fn begin() -> Look {
        Look::within(MOST.0, MOST.1)
    }

    /// One that looks up no more paths than these, and for no longer.
    pub(in super::super) fn within(most: usize, patience: Duration) -> Look {
        let known = Known { paths: HashMap::new(), most, until: Instant::now() + patience, was_too_much: false };
        KNOWN.with_borrow_mut(|now| {
            let is_part = now.is_some();
            now.get_or_insert(known);
            Look { is_part, thread: PhantomData }
        })
    }

    /// Whether there was more to look up than is.
    pub(in super::super) fn was_too_much(&self) -> bool {
        KNOWN.with_borrow(|now| now.as_ref().is_some_and(|known| known.was_too_much)) || Look::is_over()
    }

    /// Whether the time of the look that goes on is over.
    pub(in super::super) fn is_over() -> bool {
        KNOWN.with_borrow(|now| now.as_ref().is_some_and(|known| Instant::now() >= known.until))
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        if !self.is_part {
            KNOWN.take();
        }
    }
}

/// What is known of a path, or is found out now.
pub(super) fn known(path: &Path, find: impl FnOnce() -> Option<PathBuf>) -> Option<PathBuf> {
    let kept = KNOWN.with_borrow_mut(|now| {
        let known = now.as_mut()?;
        if let Some(real) = known.paths.get(path) {
            return Some(real.clone());
        }
        known.was_too_much |= known.paths.len() >= known.most || Instant::now() >= known.until;
        known.was_too_much.then_some(None)
    });
    if let Some(real) = kept {
        return real;
    }
    let real = find();
    KNOWN.with_borrow_mut(|now| {
        now.as_mut().and_then(|known| known.paths.insert(path.to_owned(), real.clone()));
    });
    real
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_looked_up_once_in_a_look_and_no_more_of_them_than_are_good() {
        let found = |name: &str| known(Path::new(name), || Some(PathBuf::from(name)));
        let gone = |name: &str| known(Path::new(name), || None);
        let look = Look::within(2, Duration::from_secs(3_600));
        assert_eq!((found("a"), gone("a"), gone("b"), found("b")), (Some("a".into()), Some("a".into()), None, None));
        assert!(!look.was_too_much());
        drop(Look::begin());
        assert_eq!((found("c"), gone("a"), look.was_too_much()), (None, Some("a".into()), true), "but what is known");
        drop(look);
        assert_eq!((found("c"), gone("a")), (Some("c".into()), None), "nothing is kept");
        let look = Look::within(9, Duration::ZERO);
        assert_eq!((found("a"), look.was_too_much(), Look::is_over()), (None, true, true));
    }
}
