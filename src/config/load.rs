//! Brings the layers together: defaults, file, variables, flags, each over the one before. Collects every error rather than
//! the first, and says of each where it was made.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use toml::Value;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::key::{Key, Place, Setting};
use super::nearest::nearest;
use super::{Config, KEYS, Surroundings, TABLES};

/// The variable that names the file, where the flag does not.
const FILE_VARIABLE: &str = "SIXFRAME_CONFIG";

/// The variable in which people give the token to programs of theirs that call. It is not the daemon's, whose token is in a file:
/// what stands in an environment, everything that is started inherits.
const CALLERS_VARIABLE: &str = "SIXFRAME_TOKEN";

/// What the variables begin with that say where bundled sidecars are. The sidecars read them.
const BINARY_VARIABLES: &str = "SIXFRAME_BIN_";

/// The variable by which a sidecar shows that it is the one that was started. What it starts may be of Sixframe too.
const NONCE_VARIABLE: &str = "SIXFRAME_NONCE";

/// Whether a variable is to be a setting.
fn is_setting(name: &str) -> bool {
    let is_others =
        [FILE_VARIABLE, CALLERS_VARIABLE, NONCE_VARIABLE].contains(&name) || name.starts_with(BINARY_VARIABLES);
    name.starts_with("SIXFRAME_") && !is_others
}

/// A setting given on the command line: the flag's own spelling, the key it sets, and the value.
pub(crate) struct Flag {
    pub(crate) spelling: String,
    pub(crate) key: String,
    pub(crate) value: FlagValue,
}

/// A flag's value: typed by its flag, or text to be read as the key's type.
#[derive(Debug, PartialEq)]
pub(crate) enum FlagValue {
    List(Vec<String>),
    Text(String),
}

/// Everything that a configuration is made from.
pub(crate) struct Inputs {
    pub(crate) surroundings: Surroundings,
    /// The file of `--config`: it must be there. Without it, `SIXFRAME_CONFIG` and then the user's own file count.
    pub(crate) file: Option<PathBuf>,
    pub(crate) variables: Vec<(OsString, OsString)>,
    pub(crate) flags: Vec<Flag>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Default,
    File(PathBuf, usize),
    Variable(String),
    Flag(String),
}

impl Source {
    /// The same file at another line.
    fn at(&self, line: usize) -> Source {
        match self {
            Source::File(path, _) => Source::File(path.clone(), line),
            Source::Default | Source::Variable(_) | Source::Flag(_) => self.clone(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File(path, line) => write!(f, "{}:{line}", path.display()),
            Source::Variable(name) => f.write_str(name),
            Source::Flag(spelling) => f.write_str(spelling),
        }
    }
}

/// A configuration with the source of each value.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    sources: BTreeMap<&'static str, Source>,
}

impl Loaded {
    /// Where the value of the key called `name` came from.
    pub(crate) fn source(&self, name: &str) -> &Source {
        self.sources.get(name).unwrap_or(&Source::Default)
    }

    /// Whether somebody gave the key called `name` a value.
    pub(crate) fn is_given(&self, name: &str) -> bool {
        *self.source(name) != Source::Default
    }
}

/// Everything that is wrong with a configuration, a line each.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub(crate) struct ConfigErrors(pub(crate) Vec<String>);

/// A key's value as a layer gives it.
struct Given {
    key: &'static Key<Config>,
    value: Value,
    source: Source,
    /// The line of each element of a list in a file; none for anything else.
    lines: Vec<usize>,
    folder: PathBuf,
}

impl Given {
    /// What is wrong with a value that was refused with `error`: of a list, each element by itself, if that is what was.
    fn faults(&self, config: &Config, place: Place<'_>, error: String) -> Vec<String> {
        let Value::Array(elements) = &self.value else { return vec![format!("{}: {error}", self.source)] };
        let of = |(element, line): (&Value, &usize)| {
            let alone = Value::Array(vec![element.clone()]);
            let error = self.key.apply(&mut config.clone(), &alone, place).err()?;
            Some(format!("{}: {error}", self.source.at(*line)))
        };
        let faults: Vec<String> = elements.iter().zip(&self.lines).filter_map(of).collect();
        if faults.is_empty() { vec![format!("{}: {error}", self.source)] } else { faults }
    }
}

/// Reads every layer. The errors name the key, the file and line or the variable or the flag, and what to change.
pub(crate) fn load(inputs: &Inputs) -> Result<Loaded, ConfigErrors> {
    let working_dir = &inputs.surroundings.working_dir;
    let mut layers = Layers { given: Vec::new(), errors: Vec::new(), folder: None, working_dir };
    layers.read_file(inputs);
    layers.read_variables(&inputs.variables);
    layers.read_flags(&inputs.flags);
    let file = working_dir.join(chosen_file(inputs).0);
    layers.into_loaded(&Surroundings { config_file: file, ..inputs.surroundings.clone() })
}

struct Layers<'a> {
    given: Vec<Given>,
    errors: Vec<String>,
    /// That of the file which was read.
    folder: Option<PathBuf>,
    working_dir: &'a Path,
}

impl Layers<'_> {
    fn read_file(&mut self, inputs: &Inputs) {
        let (path, required) = chosen_file(inputs);
        match fs::read_to_string(&path) {
            Ok(text) => self.read_toml(&path, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !required => {}
            Err(error) => self.errors.push(format!("{}: {error}", path.display())),
        }
    }

    fn read_toml(&mut self, path: &Path, text: &str) {
        let (table, errors) = DeTable::parse_recoverable(text);
        let line_of_error = |error: &toml::de::Error| error.span().map_or(1, |span| line_at(text, span.start));
        self.errors.extend(errors.iter().map(|e| format!("{}:{}: {}", path.display(), line_of_error(e), e.message())));
        let folder = self.working_dir.join(path.parent().unwrap_or(path));
        self.folder = Some(folder.clone());
        if errors.is_empty() {
            TomlFile { path, text, folder }.read(self, "", table.get_ref());
        }
    }

    fn read_variables(&mut self, variables: &[(OsString, OsString)]) {
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| is_setting(name)) else { continue };
            match (KEYS.iter().find(|key| key.variable() == name), value.to_str()) {
                (Some(key), Some(text)) => self.give(key, (key.value_of_text)(text), Source::Variable(name.to_owned())),
                (Some(_), None) => self.errors.push(format!("{name}: the value is not UTF-8")),
                (None, _) => self.errors.push(format!("{name}: unknown variable{}", nearest_variable(name))),
            }
        }
    }

    fn read_flags(&mut self, flags: &[Flag]) {
        for flag in flags {
            let Some(key) = KEYS.iter().find(|key| key.name == flag.key) else {
                let nearest = nearest(&flag.key, KEYS.iter().map(|key| key.name)).unwrap_or_default();
                let why = format!("unknown key {:?}; the nearest known one is {nearest:?}", flag.key);
                self.errors.push(format!("{}: {why}", flag.spelling));
                continue;
            };
            let value = match &flag.value {
                FlagValue::List(items) => Value::Array(items.iter().cloned().map(Value::String).collect()),
                FlagValue::Text(text) => (key.value_of_text)(text),
            };
            self.give(key, value, Source::Flag(flag.spelling.clone()));
        }
    }

    fn give(&mut self, key: &'static Key<Config>, value: Value, source: Source) {
        let (lines, folder) = (Vec::new(), self.working_dir.to_path_buf());
        self.given.push(Given { key, value, source, lines, folder });
    }

    fn into_loaded(mut self, surroundings: &Surroundings) -> Result<Loaded, ConfigErrors> {
        let defaults = Config::defaults(&self.with_runtime_dir(surroundings));
        let mut config = Config { folder: self.folder.take(), ..defaults };
        let mut sources = BTreeMap::new();
        for given in &self.given {
            let place = Place { folder: &given.folder, home: surroundings.home.as_deref() };
            match given.key.apply(&mut config, &given.value, place) {
                Ok(()) => _ = sources.insert(given.key.name, given.source.clone()),
                Err(error) => self.errors.extend(given.faults(&config, place, error)),
            }
        }
        let loaded = Loaded { config, sources };
        let located = |(key, fault)| format!("{}: {key}: {fault}", loaded.source(key));
        self.errors.extend(loaded.config.faults().into_iter().map(located));
        if self.errors.is_empty() { Ok(loaded) } else { Err(ConfigErrors(self.errors)) }
    }

    /// The surroundings with the folder that the layers choose, on which other defaults depend. An unreadable choice is told
    /// of later, where every key is applied.
    fn with_runtime_dir(&self, surroundings: &Surroundings) -> Surroundings {
        let read = |given: &Given| {
            PathBuf::from_toml(&given.value, Place { folder: &given.folder, home: surroundings.home.as_deref() }).ok()
        };
        let chosen = self.given.iter().rev().find(|given| given.key.name == "runtime_dir").and_then(read);
        match chosen {
            Some(dir) => Surroundings { runtime_dir: dir.clone(), state_dir: dir, ..surroundings.clone() },
            None => surroundings.clone(),
        }
    }
}

/// The file to read, and whether it must be there.
fn chosen_file(inputs: &Inputs) -> (PathBuf, bool) {
    let named = || inputs.variables.iter().find(|(name, _)| name == FILE_VARIABLE).map(|(_, path)| PathBuf::from(path));
    match inputs.file.clone().or_else(named) {
        Some(path) => (path, true),
        None => (inputs.surroundings.config_file.clone(), false),
    }
}

/// A file on its way into the layers.
struct TomlFile<'a> {
    path: &'a Path,
    text: &'a str,
    folder: PathBuf,
}

impl TomlFile<'_> {
    fn read(&self, layers: &mut Layers<'_>, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            let source = Source::File(self.path.to_path_buf(), line_at(self.text, key.span().start));
            if let Some(key) = KEYS.iter().find(|key| key.name == name) {
                let lines = self.lines(value.get_ref());
                match Value::deserialize(ValueDeserializer::from(value.clone())) {
                    Ok(value) => layers.given.push(Given { key, value, source, lines, folder: self.folder.clone() }),
                    Err(error) => layers.errors.push(format!("{source}: {name}: {}", error.message())),
                }
            } else if !TABLES.iter().any(|table| table.name == name) {
                layers.errors.push(format!("{source}: unknown key {name:?}{}", nearest_key(&name)));
            } else if let DeValue::Table(inner) = value.get_ref() {
                self.read(layers, &format!("{name}."), inner);
            } else {
                layers.errors.push(format!("{source}: {name} must be a table, written [{name}] on a line of its own"));
            }
        }
    }

    fn lines(&self, value: &DeValue<'_>) -> Vec<usize> {
        let DeValue::Array(elements) = value else { return Vec::new() };
        elements.iter().map(|element| line_at(self.text, element.span().start)).collect()
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn nearest_key(name: &str) -> String {
    let names = KEYS.iter().map(|key| key.name).chain(TABLES.iter().map(|table| table.name));
    nearest(name, names).map_or_else(String::new, |nearest| format!("; the nearest known one is {nearest:?}"))
}

fn nearest_variable(name: &str) -> String {
    let names: Vec<String> = KEYS.iter().map(Key::variable).chain([FILE_VARIABLE.to_owned()]).collect();
    let nearest = nearest(name, names.iter().map(String::as_str));
    nearest.map_or_else(String::new, |nearest| format!("; the nearest known one is {nearest}"))
}
