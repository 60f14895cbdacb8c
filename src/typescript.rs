//! A TypeScript module made from what a peer says of itself: the OpenRPC document of `rpc.discover` becomes types, a map from
//! methods to their types, and, where it is asked for, the JSON Schemas for checking values at run time. Knows nothing of how the
//! document came.

mod declarations;
mod schema;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use declarations::{Declarations, doc};

const HEAD: &str = "// Made by `sixframe types` from what the peer says of itself. Do not edit: make it again.\n";

/// Names that the module uses itself.
const OWN_NAMES: [&str; 4] = ["Api", "methods", "methodsHash", "schemas"];

/// Words for people, and what says nothing about a value.
const NOT_CHECKED: [&str; 6] = ["$schema", "description", "title", "default", "format", "examples"];

/// The document is not what `rpc.discover` answers.
#[derive(Debug, thiserror::Error)]
#[error("the peer's answer to rpc.discover is no OpenRPC document")]
pub(crate) struct NoDocument;

/// The types of a peer's methods, as the source text of a module.
pub(crate) fn module(document: &Value) -> Result<String, NoDocument> {
    let methods = methods(document)?;
    let schemas = methods.iter().flat_map(Described::parts).map(|(_, schema)| schema);
    let mut declarations = Declarations::new(&OWN_NAMES, schemas);
    let mut api = String::new();
    for method in &methods {
        let body = method.types(&mut declarations);
        _ = write!(api, "{}  {}: {{\n{body}  }};\n", doc(method.summary, "  "), json!(method.name));
    }
    let hash = document["x-methodsHash"].as_str().unwrap_or_default();
    let facts = methods.iter().map(|method| format!("  {}: {},\n", json!(method.name), method.facts()));
    let facts: String = facts.collect();
    Ok(format!(
        "{HEAD}\n\
         /** The `methodsHash` of `rpc.hello` that these types belong to. */\n\
         export const methodsHash = {};\n\n{}\
         /** What each method takes and gives. */\n\
         export interface Api {{\n{api}}}\n\n\
         /** How each method is called: whether it may be repeated, and whether its stream goes on after a break. */\n\
         export const methods = {{\n{facts}}} as const;\n",
        json!(hash),
        declarations.into_text(),
    ))
}

/// The JSON Schemas of a peer's methods, to stand behind [`module`].
pub(crate) fn schemas(document: &Value) -> Result<String, NoDocument> {
    let schemas = methods(document)?.into_iter().map(|method| (method.name.to_owned(), method.schemas()));
    let text = serde_json::to_string_pretty(&schemas.collect::<Map<String, Value>>()).map_err(|_| NoDocument)?;
    Ok(format!(
        "\n/** The JSON Schemas of the types, for `sixframe/validators`. */\nexport const schemas = {text} as const;\n"
    ))
}

/// A method as the document describes it.
struct Described<'a> {
    name: &'a str,
    summary: &'a str,
    kind: Kind,
    params: &'a Value,
    result: &'a Value,
    upstream: &'a Value,
    idempotent: bool,
    resumable: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unary,
    Stream,
    Upload,
    Duplex,
}

impl Kind {
    fn of(word: &str) -> Option<Kind> {
        [Kind::Unary, Kind::Stream, Kind::Upload, Kind::Duplex].into_iter().find(|kind| kind.word() == word)
    }

    fn word(self) -> &'static str {
        match self {
            Kind::Unary => "unary",
            Kind::Stream => "stream",
            Kind::Upload => "upload",
            Kind::Duplex => "duplex",
        }
    }

    /// What the method gives: one result, or items.
    fn given(self) -> &'static str {
        match self {
            Kind::Unary | Kind::Upload => "result",
            Kind::Stream | Kind::Duplex => "item",
        }
    }

    /// Whether the caller sends items.
    fn has_up(self) -> bool {
        matches!(self, Kind::Upload | Kind::Duplex)
    }
}

fn methods(document: &Value) -> Result<Vec<Described<'_>>, NoDocument> {
    document["methods"].as_array().ok_or(NoDocument)?.iter().map(|method| described(method).ok_or(NoDocument)).collect()
}

fn described(method: &Value) -> Option<Described<'_>> {
    Some(Described {
        name: method["name"].as_str()?,
        summary: method["summary"].as_str().unwrap_or_default(),
        kind: Kind::of(method["x-shape"].as_str()?)?,
        params: &method["params"][0]["schema"],
        result: &method["result"]["schema"],
        upstream: &method["x-upstream"],
        idempotent: method["x-idempotent"] == true,
        resumable: method["x-resumable"] == true,
    })
}

impl<'a> Described<'a> {
    /// The parts of the method that have a type, by name.
    fn parts(&self) -> impl Iterator<Item = (&'static str, &'a Value)> + use<'a> {
        let up = self.kind.has_up().then_some(("upstream", self.upstream));
        [Some(("params", self.params)), up, Some((self.kind.given(), self.result))].into_iter().flatten()
    }

    /// What stands before the last dot of its name.
    fn domain(&self) -> &'a str {
        self.name.rsplit_once('.').map_or("", |(domain, _)| domain)
    }

    fn types(&self, declarations: &mut Declarations<'a>) -> String {
        let kind = format!("    kind: {};\n", json!(self.kind.word()));
        let part = |(name, schema)| format!("    {name}: {};\n", declarations.of_root(self.domain(), schema, "    "));
        self.parts().map(part).fold(kind, |text, line| text + &line)
    }

    fn facts(&self) -> String {
        let Described { kind, idempotent, resumable, .. } = self;
        format!("{{ kind: {}, idempotent: {idempotent}, resumable: {resumable} }}", json!(kind.word()))
    }

    fn schemas(&self) -> Value {
        self.parts().map(|(name, schema)| (name.to_owned(), checked(schema))).collect::<Map<_, _>>().into()
    }
}

/// A schema without what says nothing about a value. The names of properties and definitions are no keywords.
fn checked(schema: &Value) -> Value {
    match schema {
        Value::Object(keywords) => {
            let kept = keywords.iter().filter(|(keyword, _)| !NOT_CHECKED.contains(&keyword.as_str()));
            let kept = kept.map(|(keyword, value)| {
                let value = match (keyword.as_str(), value) {
                    ("properties" | "$defs" | "definitions" | "patternProperties", Value::Object(named)) => {
                        named.iter().map(|(name, schema)| (name.clone(), checked(schema))).collect::<Map<_, _>>().into()
                    }
                    ("const" | "enum" | "required", value) => value.clone(),
                    (_, value) => checked(value),
                };
                (keyword.clone(), value)
            });
            kept.collect::<Map<_, _>>().into()
        }
        Value::Array(schemas) => schemas.iter().map(checked).collect(),
        Value::Null => Value::Bool(true),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}
