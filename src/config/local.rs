//! The settings' types for the local model, `[agent.local]`, and for what is sent with prompts, `[agent.template.NAME]`. Reads
//! and checks them; what they do, the services know.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sixframe_services::agents::{LocalConfig, Template, local_faults};
use toml::{Table, Value};

use super::key::{Place, Setting};
use super::provider::{OtherSettings, table_of_text, unknown_key};

/// The local model, or another service with the same API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LocalSettings {
    url: String,
    sidecar: String,
    model: String,
    key_env: String,
    history_characters: u64,
}

impl Default for LocalSettings {
    fn default() -> LocalSettings {
        let LocalConfig { url, sidecar, model, key_env, history_characters } = LocalConfig::default();
        LocalSettings {
            url: url.unwrap_or_default(),
            sidecar,
            model: model.unwrap_or_default(),
            key_env: key_env.unwrap_or_default(),
            history_characters: history_characters as u64,
        }
    }
}

impl LocalSettings {
    /// The same for the services.
    pub(crate) fn of_local(&self) -> LocalConfig {
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        LocalConfig {
            url: given(&self.url),
            sidecar: self.sidecar.clone(),
            model: given(&self.model),
            key_env: given(&self.key_env),
            history_characters: usize::try_from(self.history_characters).unwrap_or(usize::MAX),
        }
    }
}

impl Setting for LocalSettings {
    const EXPECTED: &'static str = "a table with url, sidecar, model, key_env and history_characters";

    fn from_toml(value: &Value, _: Place<'_>) -> Result<LocalSettings, Option<String>> {
        let settings: LocalSettings = read(value, &["url", "sidecar", "model", "key_env", "history_characters"])?;
        let fault = Some(&settings.url).filter(|url| !url.is_empty()).and_then(|url| local_faults(url));
        match fault {
            Some(fault) => Err(Some(fault)),
            None if settings.sidecar.is_empty() => Err(Some("sidecar is empty; leave it out".to_owned())),
            None => Ok(settings),
        }
    }

    fn value_of_text(text: &str) -> Value {
        table_of_text(text)
    }

    fn to_toml(&self) -> Value {
        // Texts and numbers can be written as TOML.
        Value::try_from(self).unwrap_or_else(|_| Value::Table(Table::new()))
    }
}

/// What is sent with prompts by one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TemplateSettings {
    role: String,
    notes: String,
    rules: String,
    tree: bool,
    characters: u64,
    tokens: u64,
}

impl Default for TemplateSettings {
    fn default() -> TemplateSettings {
        let Template { role, notes, rules, tree, characters, tokens } = Template::default();
        TemplateSettings { role, notes, rules, tree, characters: characters as u64, tokens: tokens as u64 }
    }
}

impl TemplateSettings {
    fn of_template(&self) -> Template {
        let TemplateSettings { role, notes, rules, tree, characters, tokens } = self.clone();
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Template { role, notes, rules, tree, characters: size(characters), tokens: size(tokens) }
    }
}

impl Setting for TemplateSettings {
    const EXPECTED: &'static str = "a table with role, notes, rules, tree, characters and tokens";
    const LIST: &'static str =
        "a table of tables with role, notes, rules, tree, characters and tokens, each with a name";

    fn from_toml(value: &Value, _: Place<'_>) -> Result<TemplateSettings, Option<String>> {
        let settings: TemplateSettings = read(value, &["role", "notes", "rules", "tree", "characters", "tokens"])?;
        let (least, most) = (Template::LEAST, Template::MOST);
        let budgets =
            [("characters", settings.characters, least.0..=most.0), ("tokens", settings.tokens, least.1..=most.1)];
        for (name, value, allowed) in budgets {
            if !usize::try_from(value).is_ok_and(|value| allowed.contains(&value)) {
                return Err(Some(format!("{name} must be from {} to {}", allowed.start(), allowed.end())));
            }
        }
        Ok(settings)
    }

    fn to_toml(&self) -> Value {
        Value::try_from(self).unwrap_or_else(|_| Value::Table(Table::new()))
    }
}

/// Settings by the names that a person gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ByName<T>(BTreeMap<String, T>);

impl<T> Default for ByName<T> {
    fn default() -> ByName<T> {
        ByName(BTreeMap::new())
    }
}

impl ByName<TemplateSettings> {
    /// The same for the services.
    pub(crate) fn of_templates(&self) -> BTreeMap<String, Template> {
        self.0.iter().map(|(name, settings)| (name.clone(), settings.of_template())).collect()
    }
}

impl ByName<OtherSettings> {
    /// The same for the services.
    pub(crate) fn of_providers(&self) -> BTreeMap<String, sixframe_services::agents::ProviderConfig> {
        self.0.iter().map(|(name, settings)| (name.clone(), settings.of_provider())).collect()
    }
}

impl<T: Setting> Setting for ByName<T> {
    const EXPECTED: &'static str = T::LIST;

    fn from_toml(value: &Value, place: Place<'_>) -> Result<ByName<T>, Option<String>> {
        let is_name =
            |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        let named = value.as_table().ok_or(None)?.iter().map(|(name, value)| {
            if !is_name(name) {
                return Err(Some(format!("the name {name:?} must be of letters, digits, '.', '_' and '-'")));
            }
            let wrong = |why: Option<String>| {
                let why = why.unwrap_or_else(|| format!("must be {}", T::EXPECTED));
                Some(format!("{name}: {why}"))
            };
            T::from_toml(value, place).map(|settings| (name.clone(), settings)).map_err(wrong)
        });
        named.collect::<Result<_, _>>().map(ByName)
    }

    fn value_of_text(text: &str) -> Value {
        table_of_text(text)
    }

    fn to_toml(&self) -> Value {
        Value::Table(self.0.iter().map(|(name, settings)| (name.clone(), settings.to_toml())).collect())
    }
}

fn read<T: for<'de> Deserialize<'de>>(value: &Value, keys: &[&str]) -> Result<T, Option<String>> {
    let table = value.as_table().ok_or(None)?;
    unknown_key(table, keys)?;
    let told = |error: serde_path_to_error::Error<toml::de::Error>| {
        Some(format!("{}: {}", error.path(), error.inner().message()))
    };
    serde_path_to_error::deserialize(value.clone()).map_err(told)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn of<T: Setting>(text: &str) -> Result<T, String> {
        let place = Place { folder: Path::new("/etc"), home: None };
        T::from_toml(&Value::Table(text.parse().unwrap()), place).map_err(Option::unwrap_or_default)
    }

    #[test]
    fn a_local_model_is_on_this_machine_or_encrypted() {
        let settings: LocalSettings = of("url = 'http://127.0.0.1:8080/v1'\nkey_env = 'KEY'").unwrap();
        let config = settings.of_local();
        assert_eq!(
            (config.key_env.as_deref(), config.model, config.sidecar.as_str()),
            (Some("KEY"), None, "local-model")
        );
        assert!(of::<LocalSettings>("url = 'http://example.org/v1'").unwrap_err().contains("use https"));
        assert!(of::<LocalSettings>("key = 'abc'").unwrap_err().contains("unknown key \"key\""));
        assert!(of::<LocalSettings>("model = 7").is_err());
    }

    #[test]
    fn templates_have_names_and_keep_what_they_do_not_say() {
        let templates =
            of::<ByName<TemplateSettings>>("[app]\nnotes = 'Use <Node>.'\ntree = false").unwrap().of_templates();
        let template = &templates["app"];
        assert_eq!((template.notes.as_str(), template.tree), ("Use <Node>.", false));
        assert_eq!(template.rules, Template::default().rules);
        for wrong in
            ["[app]\ncharacters = 10", "[app]\nrules = ['a']", "app = 3", "['a b']\nrole = ''", "[app]\nnote = ''"]
        {
            assert!(of::<ByName<TemplateSettings>>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn commands_have_names_and_their_variables_are_not_shown() {
        let text = "[llm]\nprogram = 'bin/llm'\nargs = ['--ask={prompt}']\nenv = { KEY = 'secret' }";
        let commands = of::<ByName<OtherSettings>>(text).unwrap();
        assert!(!commands.to_toml().to_string().contains("secret"));
        let known = commands.of_providers();
        assert_eq!(known["llm"].program.program, "/etc/bin/llm");
        assert_eq!(known["llm"].settings, None);
        let told =
            |settings: &str| of::<ByName<OtherSettings>>(&format!("[llm]\nprogram = 'llm'\nsettings = {settings}"));
        let known = told("['.llm', 'llm/it.toml']").unwrap();
        assert_eq!(known.of_providers()["llm"].settings, Some(vec![".llm".to_owned(), "llm/it.toml".to_owned()]));
        assert!(known.to_toml().to_string().contains("llm/it.toml"));
        assert_eq!(told("[]").unwrap().of_providers()["llm"].settings, Some(Vec::new()));
        for wrong in ["'.llm'", "['/etc/llm']", "['../llm']", "['']", "[3]"] {
            assert!(told(wrong).unwrap_err().contains("seen from the folder"), "{wrong}");
        }
        assert!(of::<ByName<OtherSettings>>("[llm]\nargs = []").unwrap_err().contains("program is missing"));
    }
}
