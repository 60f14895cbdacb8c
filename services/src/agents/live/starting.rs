//! Starting an agent: with the settings that lie in its folder where a person trusts them, and without them else.

use tokio::task::spawn_blocking;

use super::super::agent::{Fact, Launch};
use super::super::identifier::identifier;
use super::super::problem::Problem;
use super::super::trust::{
    FolderCode, FolderSettings, SettingsUse, Standing, WithheldFiles, unkept, unshown, untrusted,
};
use super::footing::{self, Footing, Recheck};
use super::guard::{Guard, Matters};
use super::{Live, Surroundings};

impl Live {
    /// Starts the agent, with what it is to know of the session beside this.
    pub(super) async fn start(&mut self, launch: Launch) {
        let history = self.history().await;
        let Surroundings { agent, trust, .. } = self.surroundings.clone();
        let uses = agent.settings_use();
        let (mut settings, mut withheld, mut code) = (FolderSettings::Withheld, WithheldFiles::default(), None);
        if uses != SettingsUse::Ignores || trust.knows(agent.provider()) {
            let cwd = launch.cwd.clone();
            // Where nobody could look, nothing is trusted.
            let standing = spawn_blocking(move || trust.standing(&cwd)).await.ok();
            let footing = standing.as_ref().map(|standing| Footing::of(standing, agent.provider()));
            self.begun_for = footing.unwrap_or_default();
            match standing.as_ref().map(|standing| standing.code_for(agent.provider())) {
                Some(FolderCode::Trusted(sha256)) => code = Some(sha256),
                Some(FolderCode::Withheld(names)) => return self.not_begun(unshown(&names)),
                Some(FolderCode::Absent) | None => (),
            }
            settings =
                standing.as_ref().map_or(FolderSettings::Withheld, |standing| standing.settings_for(agent.provider()));
            let names = || standing.as_ref().map(|standing| standing.named_for(agent.provider())).unwrap_or_default();
            if (settings, uses) == (FolderSettings::Withheld, SettingsUse::CanWithhold)
                && let Some(program) = agent.outdated().await
            {
                return self.not_begun(unkept(&program, &names()));
            }
            if let Some(standing) = standing.as_ref().filter(|_| is_kept_from(settings, uses)) {
                self.tell_withheld(uses, agent.provider(), standing);
                withheld = standing.withheld_from(agent.provider());
            }
            if (settings, uses) == (FolderSettings::Withheld, SettingsUse::Loads) {
                return self.not_begun(untrusted(&names()));
            }
        }
        self.running = Some(agent.start(Launch { history, settings, withheld, code, ..launch }));
        // A plain command is there while it is asked something, and no longer.
        let is_there = self.surroundings.agent.runs_between_turns();
        let loaded = self.recheck().filter(|_| is_there && self.begun_for.is_trusted());
        self.guard = loaded.map(|recheck| Guard::begin(recheck, self.surroundings.watch.pause));
    }

    /// What is to be looked at again before the agent is given a prompt, where it loads settings.
    pub(super) fn recheck(&self) -> Option<Recheck> {
        let Surroundings { agent, trust, launch, .. } = &self.surroundings;
        let uses = agent.settings_use();
        (uses != SettingsUse::Ignores).then(|| Recheck {
            trust: trust.clone(),
            cwd: launch.cwd.clone(),
            provider: agent.provider().to_owned(),
            uses,
            begun: self.begun_for.clone(),
        })
    }

    /// Which changes of the settings end the agent just now.
    pub(super) fn what_matters(&self) -> Matters {
        let takes_over = footing::takes_over(self.surroundings.agent.provider());
        match self.session.can_be_ended() || self.holds_prompt() {
            true => Matters::All,
            false if takes_over && self.session.is_at_work() => Matters::Settings,
            false => Matters::Nothing,
        }
    }

    fn not_begun(&mut self, problem: Problem) {
        self.session.told(self.now(), Fact::Gone { problem: Some(problem) }.into());
    }

    /// Says that settings are not loaded, so that nobody wonders.
    fn tell_withheld(&mut self, uses: SettingsUse, provider: &str, standing: &Standing) {
        let names = standing.named_for(provider);
        let text = match (standing.has_changed, standing.is_lent) {
            (true, true) => {
                format!(
                    "What lies in this worktree is not what is trusted in the run's folder, and is not loaded: {names}."
                )
            }
            (true, false) => {
                format!("What lies in this folder has changed since it was trusted, and is not loaded: {names}.")
            }
            (false, _) => format!("What lies in this folder is not loaded until somebody trusts it: {names}."),
        };
        // An agent that is not started says it by failing, and who reads none does not care.
        if uses != SettingsUse::Ignores && (uses == SettingsUse::CanWithhold || standing.has_changed) {
            self.session.notice(self.now(), &identifier("notice"), text);
        }
    }
}

/// Whether something is not loaded, or the agent not begun for it. Instructions keep nobody from beginning.
fn is_kept_from(settings: FolderSettings, uses: SettingsUse) -> bool {
    match settings {
        FolderSettings::Withheld => true,
        FolderSettings::Unread => uses == SettingsUse::CanWithhold,
        FolderSettings::Absent | FolderSettings::Trusted => false,
    }
}
