//! What an agent was started for: the settings of its folder as they were then. They are looked at again before each prompt, since
//! some agents load what changes or comes while they run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use tokio::task::spawn_blocking;

use super::super::trust::{FolderSettings, SettingsUse, Standing, Trust};

/// What the settings of a folder come to for an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Footing {
    settings: FolderSettings,
    /// What would be loaded: with what it holds where that is loaded, and where it leads to else, since it is withheld by that.
    files: Vec<(String, String)>,
    /// What of that is nothing but instructions, by its path.
    instructions: BTreeSet<String>,
    /// Whether that is all.
    is_whole: bool,
}

/// Who loads nothing that comes later either, where it was started to load nothing of the folder.
const KEEPS_OUT: &str = "claude";

/// Who takes over settings that change while it works, where it was started to load them.
const TAKES_OVER: &str = "claude";

/// Whether an agent of this provider takes over settings that change while it works.
pub(super) fn takes_over(provider: &str) -> bool {
    provider == TAKES_OVER
}

impl Footing {
    /// Whether something is loaded.
    pub(super) fn is_trusted(&self) -> bool {
        self.settings == FolderSettings::Trusted
    }

    /// For an agent of this provider.
    pub(super) fn of(standing: &Standing, provider: &str) -> Footing {
        let settings = standing.settings_for(provider);
        if settings != FolderSettings::Trusted && provider == KEEPS_OUT {
            return Footing { settings: FolderSettings::Absent, is_whole: true, ..Footing::default() };
        }
        let read = standing.read_by(provider);
        let files = match settings {
            FolderSettings::Trusted => read.map(|file| (file.path.clone(), file.sha256.clone())).collect(),
            FolderSettings::Withheld | FolderSettings::Unread | FolderSettings::Absent => read
                .map(|file| {
                    let leads_to = file.place().canonicalize().unwrap_or_default();
                    (file.path.clone(), leads_to.to_string_lossy().into_owned())
                })
                .collect(),
        };
        let told = standing.read_by(provider).filter(|file| file.runs_nothing());
        let instructions = told.map(|file| file.path.clone()).collect();
        Footing { settings, files, instructions, is_whole: standing.withheld_from(provider).is_whole }
    }
}

/// What is looked at before a prompt is given to an agent that loads settings, and while it runs.
#[derive(Clone, Debug)]
pub(super) struct Recheck {
    pub(super) trust: Trust,
    pub(super) cwd: PathBuf,
    pub(super) provider: String,
    pub(super) uses: SettingsUse,
    /// What the agent was started for.
    pub(super) begun: Footing,
}

impl Recheck {
    /// Whether the agent that runs is not to go on, since another one would be started otherwise, or not at all.
    pub(super) async fn look(self) -> bool {
        // Where nobody could look, nothing is trusted.
        spawn_blocking(move || self.is_outdated()).await.unwrap_or(true)
    }

    fn is_outdated(&self) -> bool {
        let now = Footing::of(&self.trust.standing(&self.cwd), &self.provider);
        match self.uses {
            SettingsUse::Ignores => false,
            SettingsUse::CanWithhold => now != self.begun,
            // It is started in the same way whatever lies there, or not at all.
            SettingsUse::Loads => now.settings == FolderSettings::Withheld,
        }
    }

    /// Whether something is not as it was loaded, of what this agent reads. Reads settings, likewise.
    pub(super) fn has_changed(&self) -> bool {
        let standing = self.trust.standing(&self.cwd);
        // Who cannot be kept from instructions is not ended for them.
        let with_instructions = self.uses != SettingsUse::Loads;
        // Where nobody trusts anything there any more, somebody has taken that back.
        let is_revoked = standing.settings_for(&self.provider) != FolderSettings::Trusted && !standing.has_changed;
        let read = standing.read_by(&self.provider).filter(|file| with_instructions || !file.runs_nothing());
        let now = read.map(|file| (&file.path, &file.sha256));
        let begun = self.begun.files.iter();
        let begun = begun.filter(|(path, _)| with_instructions || !self.begun.instructions.contains(path));
        (with_instructions && is_revoked) || !now.eq(begun.map(|(path, sha256)| (path, sha256)))
    }

    /// Whether the agent would take something over, or run it, in the midst of its work: what it has loaded and has changed or is
    /// gone, and what has come. Of instructions, and of what only lies beside settings, nothing comes. Reads settings, likewise.
    pub(super) fn takes_over(&self) -> bool {
        let standing = self.trust.standing(&self.cwd);
        let now: BTreeMap<_, _> = standing.read_by(&self.provider).map(|file| (&file.path, file)).collect();
        let is_other = |(path, sha256): &(String, String)| now.get(path).is_none_or(|file| file.sha256 != *sha256);
        let mut loaded = self.begun.files.iter().filter(|(path, _)| !self.begun.instructions.contains(path));
        let known: BTreeSet<&String> = self.begun.files.iter().map(|(path, _)| path).collect();
        loaded.any(is_other) || now.iter().any(|(path, file)| !known.contains(path) && file.is_taken_over())
    }
}
