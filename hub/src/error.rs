//! Why a commit is refused.

use serde_json::json;
use sixframe_core::{Code, Fault};

use crate::api::Version;
use crate::state::Violation;

/// Why a commit was refused. Nothing was changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The state is another one than the caller expected. `CONFLICT` with `{current, path?}`.
    #[error("the state has changed meanwhile; it is at revision {} now", .current.revision)]
    Conflict {
        /// The version that the state has.
        current: Version,
        /// The place at which a `test` failed, or that was changed.
        path: Option<String>,
    },
    /// The operations do not fit the state, or their result not its schema. `INVALID_PAYLOAD` with `{paths}`.
    #[error("{}", words(.0))]
    Invalid(Vec<Violation>),
    /// A service owns the slice. `FORBIDDEN`.
    #[error("the slice `{0}` is written by its service alone")]
    Owned(String),
    /// The hub takes no slices beside those that it was made with. `FORBIDDEN`.
    #[error("there is no slice `{0}`, and this hub takes no new ones")]
    Closed(String),
    /// The state would be too large. `RESOURCE_EXHAUSTED`.
    #[error("state bytes limit of {0} reached; raise it with hub.state_bytes")]
    TooLarge(u64),
    /// The mutation is older than what is remembered of its client. `INDETERMINATE` with `{forgotten: true}`, which sets it
    /// apart from that of a connection: sending the commit again tells nothing more.
    #[error("the mutation is older than what is remembered; whether it was carried out is not known")]
    Forgotten,
    /// The commit could not be written to the disk. `NOT_PERSISTED`. Where the writing succeeded and making it last did not,
    /// the change is there until the process ends, and nothing more that is to be kept can be committed.
    #[error("the change could not be written to the disk: {0}")]
    NotPersisted(String),
}

impl From<CommitError> for Fault {
    fn from(error: CommitError) -> Fault {
        let message = error.to_string();
        match error {
            CommitError::Conflict { current, path } => {
                let mut details = json!({"current": current});
                if let Some(path) = path {
                    details["path"] = path.into();
                }
                Fault::new(Code::CONFLICT, message).details(details)
            }
            CommitError::Invalid(paths) => {
                let (path, expected) = paths.first().map_or(("", ""), |first| (&first.path, &first.message));
                let details = json!({"path": path, "expected": expected, "paths": paths});
                Fault::new(Code::INVALID_PAYLOAD, message).details(details)
            }
            CommitError::Owned(_) | CommitError::Closed(_) => Fault::new(Code::FORBIDDEN, message),
            CommitError::TooLarge(limit) => Fault::limit("state bytes", limit, "hub.state_bytes"),
            CommitError::Forgotten => Fault::new(Code::INDETERMINATE, message).details(json!({"forgotten": true})),
            CommitError::NotPersisted(_) => Fault::new("NOT_PERSISTED", message).domain("hub"),
        }
    }
}

fn words(violations: &[Violation]) -> String {
    match violations {
        [] => "the change does not fit".to_owned(),
        [only] => format!("at `{}`: {}", only.path, only.message),
        [first, rest @ ..] => format!("at `{}`: {} (and {} more)", first.path, first.message, rest.len()),
    }
}
