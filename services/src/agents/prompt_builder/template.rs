//! Templates: what the daemon's configuration has to say to agents with each prompt. Callers choose one by its name and cannot
//! make any.

use std::collections::BTreeMap;

/// What is added to a prompt by one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Who the agent is to be.
    pub role: String,
    /// What it should know of components and interfaces.
    pub notes: String,
    /// How it is to answer.
    pub rules: String,
    /// Whether the files of the project are listed.
    pub tree: bool,
    /// The longest that all of it may be together, in characters.
    pub characters: usize,
    /// The tokens that all of it may come to, as they are estimated: one for each four ASCII characters, one for each other.
    pub tokens: usize,
}

impl Template {
    /// The smallest budgets that hold the headings: characters, and tokens.
    pub const LEAST: (usize, usize) = (2_000, 500);

    /// The largest budgets.
    pub const MOST: (usize, usize) = (2_000_000, 500_000);
}

impl Default for Template {
    fn default() -> Template {
        let role = "You work on the project in this session's folder, together with the person who asks.";
        let rules = "Change no more than what is asked for needs, in the style of what stands around it. Say in a few words \
                     what you changed, and what you could not check.";
        Template {
            role: role.to_owned(),
            notes: String::new(),
            rules: rules.to_owned(),
            tree: true,
            characters: 48_000,
            tokens: 16_000,
        }
    }
}

/// The templates by their names. There is always one that is called `default`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Templates(BTreeMap<String, Template>);

impl Templates {
    /// These templates, and the default one where none of them is called so.
    pub fn new(templates: BTreeMap<String, Template>) -> Templates {
        Templates(templates)
    }

    /// The template of this name; the default one where none is named.
    pub fn find(&self, name: Option<&str>) -> Option<Template> {
        let name = name.unwrap_or("default");
        let known = self.0.get(name).cloned();
        known.or_else(|| (name == "default").then(Template::default))
    }

    /// Their names.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.0.keys().cloned().chain(["default".to_owned()]).collect();
        names.sort();
        names.dedup();
        names
    }
}
