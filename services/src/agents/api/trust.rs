//! `trust.*`: whether settings that lie in a folder are loaded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sixframe_core::{Method, Scope};

use super::super::trust::SettingsFile;
use super::Done;

/// `trust.status`: what lies there now.
pub const TRUST_STATUS: Method<TrustFolder, TrustStatus> = Method::new("trust.status")
    .doc("Tells which settings for agents lie in a folder, and whether a person trusts them as they are.")
    .scope(Scope::Read)
    .idempotent();

/// `trust.grant`: CONFLICT where the files are not what was seen.
pub const TRUST_GRANT: Method<TrustGrantParams, Done> = Method::new("trust.grant")
    .doc("Lets agents load the settings that lie in a folder, as long as they are just these.")
    .scope(Scope::Approve)
    .idempotent();

/// `trust.revoke`: from an agent's next start on.
pub const TRUST_REVOKE: Method<TrustFolder, Done> = Method::new("trust.revoke")
    .doc("Trusts what lies in a folder no more. Agents that run have loaded it.")
    .scope(Scope::Approve)
    .idempotent();

/// A folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TrustFolder")]
pub struct TrustFolder {
    /// Its absolute path.
    pub cwd: String,
}

/// What `trust.status` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TrustStatus")]
pub struct TrustStatus {
    /// The folder, without links.
    pub cwd: String,
    /// Whether a person trusts its settings as they are.
    pub is_trusted: bool,
    /// What `trust.grant` takes. None where no settings lie there, or not all of them can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The files.
    pub files: Vec<SettingsFile>,
}

/// What `trust.grant` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TrustGrantParams")]
pub struct TrustGrantParams {
    /// The folder's absolute path.
    pub cwd: String,
    /// What its settings come to, as `trust.status` told it.
    pub sha256: String,
}
