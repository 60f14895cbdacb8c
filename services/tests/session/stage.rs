//! A session and everything that it wanted, under a clock that is set by hand.

use std::time::Duration;

use serde_json::json;
use sixframe_services::agents::{
    Abilities, Action, Ask, Beginning, Command, Content, Delivery, Envelope, Event, Fact, Item, ItemKind, ItemStatus,
    Mode, Moment, OptionKind, Outcome, Output, PermissionOption, PermissionResolved, Prompt, Remembered, Ruling,
    Session, SessionCreated, SessionUpdate, Timers, TurnEnd, TurnEnded,
};

/// When every session here begins.
pub(crate) const NOW: Moment = Moment { at: Duration::ZERO, wall_ms: 1_800_000_000_000 };

/// What every session here begins with.
pub(crate) fn beginning(mode: Mode, abilities: Abilities) -> Beginning {
    let created = SessionCreated {
        provider: "test".into(),
        cwd: "/project".into(),
        model: None,
        mode,
        forked_from: None,
        run_id: None,
        system_prompt: None,
        env: Vec::new(),
        tied: false,
    };
    let (id, epoch, timers) = ("ses_1".into(), "e1".into(), Timers::default());
    Beginning { id, epoch, created, abilities, patience: Duration::from_secs(10), timers }
}

pub(crate) struct Stage {
    pub(crate) session: Session,
    pub(crate) now: Moment,
    pub(crate) log: Vec<Envelope>,
    pub(crate) commands: Vec<Command>,
    pub(crate) starts: Vec<Option<String>>,
    pub(crate) remembered: Vec<(Vec<Remembered>, bool)>,
    /// How many of the starts were to fork.
    pub(crate) forks: usize,
    /// The mode and the model that the agent was told last, as it was started or later.
    pub(crate) chosen: (Mode, Option<String>),
}

impl Stage {
    pub(crate) fn new(mode: Mode, abilities: Abilities) -> Stage {
        let session = Session::begin(NOW, beginning(mode, abilities));
        Stage::of(session, NOW)
    }

    pub(crate) fn of(session: Session, now: Moment) -> Stage {
        let (log, commands, starts) = (Vec::new(), Vec::new(), Vec::new());
        let chosen = (Mode::default(), None);
        let mut stage = Stage { session, now, log, commands, starts, remembered: Vec::new(), forks: 0, chosen };
        stage.drain();
        stage
    }

    /// A session whose agent can be spoken to.
    pub(crate) fn ready(mode: Mode) -> Stage {
        let mut stage = Stage::new(mode, Abilities { resume: true, ..Abilities::default() });
        stage.told(Fact::Ready(SessionUpdate { native_session_id: Some("native".into()), ..SessionUpdate::default() }));
        stage
    }

    pub(crate) fn drain(&mut self) {
        for output in self.session.outputs() {
            match output {
                Output::Log(envelope) => self.log.push(*envelope),
                Output::Tell(command) => {
                    match &command {
                        Command::SetMode(mode) => self.chosen.0 = *mode,
                        Command::SetModel(model) => self.chosen.1 = Some(model.clone()),
                        _ => (),
                    }
                    self.commands.push(command);
                }
                Output::Start { resume, is_fork, mode, model } => {
                    self.chosen = (mode, model);
                    self.starts.push(resume);
                    self.forks += usize::from(is_fork);
                }
                Output::Remember { what, is_kept } => self.remembered.push((what, is_kept)),
            }
        }
    }

    pub(crate) fn told(&mut self, fact: Fact) {
        self.session.told(self.now, fact.into());
        self.drain();
    }

    pub(crate) fn prompt(&mut self, id: &str, delivery: Delivery) {
        let content = vec![Content::Text { text: format!("do {id}") }];
        let prompt = Prompt::new(id, content);
        self.session.prompt(self.now, prompt, delivery, Duration::from_secs(300)).unwrap();
        self.drain();
    }

    /// Time passes, and the session is woken when it wants to be.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now.after(time);
        while let Some(deadline) = self.session.deadline().filter(|deadline| *deadline <= end.at) {
            let before = self.session.deadline();
            self.now = self.now.after(deadline.saturating_sub(self.now.at));
            self.session.tick(self.now);
            self.drain();
            assert_ne!(self.session.deadline(), before, "what is due is done");
        }
        self.now = end;
        self.session.tick(end);
        self.drain();
    }

    pub(crate) fn tool(&mut self, id: &str, status: ItemStatus) {
        self.told(Fact::Item { id: id.into(), item: Item::new(ItemKind::ToolCall).status(status) });
    }

    pub(crate) fn asks(&mut self, key: &str, action: Action) -> String {
        self.told(Fact::Asked(ask(key, action)));
        self.log
            .iter()
            .rev()
            .find_map(|envelope| match &envelope.event {
                Event::PermissionRequested(request) => Some(request.permission_id.clone()),
                _ => None,
            })
            .unwrap()
    }

    pub(crate) fn ends(&mut self) {
        self.told(Fact::Ended(TurnEnd::new(Outcome::Completed)));
    }

    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.log.iter().map(|envelope| envelope.event.name()).collect()
    }

    pub(crate) fn ended(&self) -> Vec<&TurnEnded> {
        self.log
            .iter()
            .filter_map(|envelope| match &envelope.event {
                Event::TurnEnded(ended) => Some(ended),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn resolved(&self) -> Vec<&PermissionResolved> {
        self.log
            .iter()
            .filter_map(|envelope| match &envelope.event {
                Event::PermissionResolved(resolved) => Some(resolved),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn prompted(&self) -> Vec<&str> {
        self.commands
            .iter()
            .filter_map(|command| match command {
                Command::Prompt(prompt) => Some(prompt.id.as_str()),
                _ => None,
            })
            .collect()
    }
}

pub(crate) fn ask(key: &str, action: Action) -> Ask {
    Ask {
        key: key.into(),
        item: Some(format!("item-{key}")),
        action,
        title: "Write: a.txt".into(),
        description: None,
        reason: None,
        input: json!({"file_path": "/project/a.txt", "content": key}),
        paths: vec!["/project/a.txt".into()],
        skill: None,
        ruling: Ruling::default(),
        options: vec![
            PermissionOption::new("always", OptionKind::AllowAlways, "Always"),
            PermissionOption::new("yes", OptionKind::AllowOnce, "Yes"),
            PermissionOption::new("no", OptionKind::RejectOnce, "No"),
        ],
    }
}
