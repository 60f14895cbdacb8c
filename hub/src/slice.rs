//! What is known of a slice, a member of the state: what it begins with, what its value must be, whether it outlives the
//! process. Knows nothing of commits.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use crate::json::Json;
use crate::pointer::Pointer;
use crate::state::Violation;

/// A slice of the state.
#[derive(Clone, Debug)]
pub struct SliceConfig {
    /// Its name, the key in the state. `version`, `epoch` and `revision` are taken.
    pub name: String,
    /// Its value where no other one is known from before.
    pub initial: Json,
    /// What its value must be.
    pub check: Check,
    /// What a crash may take from it, but for `volatile`.
    pub durability: Durability,
    /// Places in it that never touch the disk, as pointers that begin at it; `*` in one stands for every member of an object.
    /// See [`SliceConfig::volatile_at`].
    pub volatile: Vec<Pointer>,
}

impl SliceConfig {
    /// A slice that may hold anything and survives the end of the process.
    pub fn new(name: impl Into<String>, initial: impl Into<Json>) -> SliceConfig {
        SliceConfig {
            name: name.into(),
            initial: initial.into(),
            check: Check::Free,
            durability: Durability::Written,
            volatile: Vec::new(),
        }
    }

    /// The same slice, checked.
    #[must_use]
    pub fn checked(self, check: Check) -> SliceConfig {
        SliceConfig { check, ..self }
    }

    /// The same slice, which never touches the disk.
    #[must_use]
    pub fn volatile(self) -> SliceConfig {
        SliceConfig { durability: Durability::Volatile, ..self }
    }

    /// The same slice, of which what stands at `place` never touches the disk. `/pid` is a member of the slice, `/*/pid` one
    /// of every member of it; the way to a place leads through objects, and what an array holds is kept or not as a whole.
    ///
    /// Where the slice is made known for the first time in the life of a process, the place holds what the slice's first value
    /// has there, if the object around it is there, and is absent else. A commit is refused where the slice would not fit its
    /// check then: a member that the check requires is volatile only if the first value has it.
    #[must_use]
    pub fn volatile_at(mut self, place: Pointer) -> SliceConfig {
        self.volatile.push(place);
        self
    }
}

/// What a crash may take from a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Durability {
    /// All of it: it is in memory alone.
    Volatile,
    /// Nothing when the process ends, by `kill -9` too; the last changes when the machine does.
    Written,
    /// Nothing that was answered: an answer waits until its change is on the disk.
    Synced,
}

/// Looks at a value and says what is wrong with it, by pointers that begin at it. Called while no lock is held; it may run
/// again for one commit, and must say the same of the same value.
pub type Test = Arc<dyn Fn(&Json) -> Vec<Violation> + Send + Sync>;

/// What a slice must be. Only slices that a commit touches are looked at.
#[derive(Clone)]
pub enum Check {
    /// Anything.
    Free,
    /// The whole slice is looked at, which costs time in proportion to its size.
    Whole(Test),
    /// The slice is an object, and each of its members is looked at alone: a commit costs what the members that it touches
    /// do.
    Members(Test),
    /// As [`Check::Members`], where each member also holds the key that it stands under, as its own member of this name.
    Keyed(String, Test),
}

impl Check {
    /// The slice fits a JSON Schema.
    ///
    /// # Errors
    /// When `schema` is none.
    pub fn schema(schema: &Value) -> Result<Check, NoSchema> {
        schema_test(schema).map(Check::Whole)
    }

    /// The slice is an object whose members fit a JSON Schema.
    ///
    /// # Errors
    /// When `schema` is none.
    pub fn members_schema(schema: &Value) -> Result<Check, NoSchema> {
        schema_test(schema).map(Check::Members)
    }

    /// The slice is an object whose members fit a JSON Schema, and hold the key that they stand under as their member `by`.
    ///
    /// # Errors
    /// When `schema` is none.
    pub fn keyed_schema(by: impl Into<String>, schema: &Value) -> Result<Check, NoSchema> {
        Ok(Check::Keyed(by.into(), schema_test(schema)?))
    }

    /// The slice can be read as `T`.
    pub fn of<T: DeserializeOwned + 'static>() -> Check {
        Check::Whole(Arc::new(type_test::<T>))
    }

    /// The slice is an object whose members can be read as `T`.
    pub fn members_of<T: DeserializeOwned + 'static>() -> Check {
        Check::Members(Arc::new(type_test::<T>))
    }

    /// What is wrong with `slice`, which is called `name`, of which the members `touched` were changed, or anything may be
    /// where they are not said.
    pub(crate) fn violations(&self, name: &str, slice: &Json, touched: Option<&[String]>) -> Vec<Violation> {
        let place = Pointer::root().join(name);
        let test = match self {
            Check::Free => return Vec::new(),
            Check::Whole(test) => return placed(&place, test(slice)),
            Check::Members(_) | Check::Keyed(..) if !slice.is_object() => {
                return vec![Violation::new(place.as_str(), "the slice must be an object")];
            }
            Check::Members(test) | Check::Keyed(_, test) => test,
        };
        let at = |(key, member): (&str, &Json)| {
            let mut violations = test(member);
            violations.extend(self.misplaced(key, member));
            placed(&place.join(key), violations)
        };
        match touched {
            None => slice.members().flat_map(at).collect(),
            Some(keys) => keys.iter().filter_map(|key| Some((&**key, slice.member(key)?))).flat_map(at).collect(),
        }
    }

    /// Whether it looks at each member alone.
    pub(crate) fn is_of_members(&self) -> bool {
        match self {
            Check::Free | Check::Whole(_) => false,
            Check::Members(_) | Check::Keyed(..) => true,
        }
    }

    /// What a member says of its key that is not so. That it says nothing is for the schema to refuse.
    fn misplaced(&self, key: &str, member: &Json) -> Option<Violation> {
        let Check::Keyed(by, _) = self else { return None };
        let said = member.member(by)?;
        let message = || format!("{said} stands under the key {}; both must be the same", Json::from(key));
        (said.as_str() != Some(key)).then(|| Violation::new(Pointer::root().join(by).as_str(), message()))
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Check::Free => "Check::Free",
            Check::Whole(_) => "Check::Whole",
            Check::Members(_) => "Check::Members",
            Check::Keyed(..) => "Check::Keyed",
        })
    }
}

/// Why a JSON value is no JSON Schema.
#[derive(Debug, thiserror::Error)]
#[error("no JSON Schema: {0}")]
pub struct NoSchema(String);

fn placed(at: &Pointer, violations: Vec<Violation>) -> Vec<Violation> {
    let place = |Violation { path, message }| Violation { path: format!("{at}{path}"), message };
    violations.into_iter().map(place).collect()
}

fn schema_test(schema: &Value) -> Result<Test, NoSchema> {
    let validator = jsonschema::validator_for(schema).map_err(|error| NoSchema(error.to_string()))?;
    Ok(Arc::new(move |json: &Json| {
        let value = json.to_value();
        let errors = validator.iter_errors(&value);
        errors.map(|error| Violation::new(error.instance_path().to_string(), error.to_string())).collect()
    }))
}

fn type_test<T: DeserializeOwned>(json: &Json) -> Vec<Violation> {
    match serde_path_to_error::deserialize::<_, T>(json.to_value()) {
        Ok(_) => Vec::new(),
        Err(error) => {
            let path = error.path().iter().fold(Pointer::root(), |path, segment| match segment {
                Segment::Seq { index } => path.join(&index.to_string()),
                Segment::Map { key } => path.join(key),
                Segment::Enum { .. } | Segment::Unknown => path,
            });
            vec![Violation::new(path.as_str(), error.inner().to_string())]
        }
    }
}
