//! The named types of a module. A name that schemas share for different types is told apart by the domain of the method
//! that each belongs to, `HubChange` and `FsChange`; where that is not enough, by a number.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::checked;
use super::schema::{Scope, is_object, object_text, referred, type_text, union_text};

/// The declarations that were needed so far, by name.
pub(super) struct Declarations<'a> {
    reserved: &'a [&'a str],
    /// Names that belong to several types.
    shared: BTreeSet<String>,
    declared: BTreeMap<String, Declared>,
}

struct Declared {
    /// What the type is made of, to tell whether another is the same.
    made_of: String,
    text: String,
}

impl<'a> Declarations<'a> {
    /// None yet, for types of these whole schemas. No type gets one of the `reserved` names.
    pub(super) fn new(reserved: &'a [&'a str], schemas: impl Iterator<Item = &'a Value>) -> Declarations<'a> {
        let mut types = BTreeMap::<String, BTreeSet<String>>::new();
        for schema in schemas {
            let scope = Scope::new(schema, "");
            let references = root_name(schema).map(|_| "#").into_iter().chain(referred(schema));
            for (reference, found) in references.filter_map(|reference| Some((reference, scope.find(reference)?))) {
                types.entry(wanted_name(reference, found)).or_default().insert(made_of(scope, found));
            }
        }
        let shared = types.into_iter().filter(|(_, types)| types.len() > 1).map(|(name, _)| name).collect();
        Declarations { reserved, shared, declared: BTreeMap::new() }
    }

    /// The type of a whole schema that belongs to a method of `domain`: a name where it has one that says something, or else
    /// the type itself, for lines that begin with `indent`.
    pub(super) fn of_root(&mut self, domain: &str, schema: &Value, indent: &str) -> String {
        let scope = Scope::new(schema, domain);
        match root_name(schema) {
            Some(_) => self.named(scope, "#"),
            None => type_text(self, scope, schema, indent).text,
        }
    }

    /// The name of the type that `reference` leads to, which is declared if it is not yet.
    pub(super) fn named(&mut self, scope: Scope<'_>, reference: &str) -> String {
        let Some(schema) = scope.find(reference) else { return "unknown".to_owned() };
        let plain = wanted_name(reference, schema);
        let wanted = if self.shared.contains(&plain) { identifier(scope.domain) + &plain } else { plain };
        let made_of = made_of(scope, schema);
        let free = |name: &String, declared: &BTreeMap<String, Declared>| {
            !self.reserved.contains(&name.as_str()) && declared.get(name).is_none_or(|other| other.made_of == made_of)
        };
        let numbered = (2..).map(|number| format!("{wanted}{number}"));
        let mut candidates = std::iter::once(wanted.clone()).chain(numbered);
        let name = candidates.find(|name| free(name, &self.declared)).expect("some number is free");
        if !self.declared.contains_key(&name) {
            // Declared before it is written, so that a type may hold itself.
            self.declared.insert(name.clone(), Declared { made_of: made_of.clone(), text: String::new() });
            let text = self.declaration(scope, &name, schema);
            self.declared.insert(name.clone(), Declared { made_of, text });
        }
        name
    }

    /// All of them, in the order of their names.
    pub(super) fn into_text(self) -> String {
        self.declared.into_values().map(|declared| declared.text + "\n").collect()
    }

    fn declaration(&mut self, scope: Scope<'_>, name: &str, schema: &Value) -> String {
        let words = doc(schema["description"].as_str().unwrap_or_default(), "");
        if is_object(schema) {
            return format!("{words}export interface {name} {}\n", object_text(self, scope, schema, ""));
        }
        match union_text(self, scope, schema) {
            Some(union) => format!("{words}export type {name} =\n{union};\n"),
            None => format!("{words}export type {name} = {};\n", type_text(self, scope, schema, "").text),
        }
    }
}

/// A comment for what stands below it; nothing for no words.
pub(super) fn doc(words: &str, indent: &str) -> String {
    let words = words.trim().replace("*/", "*\\/");
    match words.as_str() {
        "" => String::new(),
        words if !words.contains('\n') => format!("{indent}/** {words} */\n"),
        words => {
            let lines = words.lines().map(|line| format!("{indent} * {line}").trim_end().to_owned() + "\n");
            format!("{indent}/**\n{}{indent} */\n", lines.collect::<String>())
        }
    }
}

/// The name that what `reference` leads to would have if it were the only one of its name.
fn wanted_name(reference: &str, schema: &Value) -> String {
    match reference {
        "#" => root_name(schema).unwrap_or_else(|| "Root".to_owned()),
        _ => identifier(reference.rsplit('/').next().unwrap_or_default()),
    }
}

/// The name of a whole schema, unless it is one that was made up for a type without a name of its own.
fn root_name(schema: &Value) -> Option<String> {
    let title = schema["title"].as_str()?;
    let made_up =
        ["Nullable_", "Array_of_", "Set_of_", "Map_of_", "Tuple_of_"].iter().any(|start| title.starts_with(start));
    let has_parts = ["properties", "oneOf", "anyOf", "allOf", "enum"].iter().any(|part| schema.get(part).is_some());
    let named = title.starts_with(|first: char| first.is_ascii_uppercase()) && !made_up && title != "AnyValue";
    (named && has_parts).then(|| identifier(title))
}

/// A name for a type: letters and digits, each part capitalised.
fn identifier(name: &str) -> String {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let capital = |part: &str| part[..1].to_ascii_uppercase() + &part[1..];
    let joined: String = parts.map(capital).collect();
    match joined.starts_with(|first: char| first.is_ascii_alphabetic()) {
        true => joined,
        false => format!("T{joined}"),
    }
}

/// The schema with everything that it refers to, words left out.
fn made_of(scope: Scope<'_>, schema: &Value) -> String {
    let bare = |schema: &Value| {
        let mut bare = checked(schema);
        if let Some(keywords) = bare.as_object_mut() {
            keywords.retain(|keyword, _| !["$defs", "definitions"].contains(&keyword.as_str()));
        }
        bare.to_string()
    };
    let mut text = bare(schema);
    let mut known = BTreeSet::new();
    let mut waiting = referred(schema);
    while let Some(reference) = waiting.pop() {
        if known.insert(reference) {
            let found = scope.find(reference).unwrap_or(&Value::Null);
            waiting.extend(referred(found));
        }
    }
    for reference in known {
        text += reference;
        text += &bare(scope.find(reference).unwrap_or(&Value::Null));
    }
    text
}
