//! One JSON Schema as a TypeScript type, in the keywords that `schemars` writes. What is only checked at run time, as ranges
//! and formats are, leaves no trace.

use serde_json::{Map, Value};

use super::declarations::{Declarations, doc};

/// The schema that references begin at, and the domain of the method that it belongs to.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    root: &'a Value,
    pub(super) domain: &'a str,
}

impl<'a> Scope<'a> {
    pub(super) fn new(root: &'a Value, domain: &'a str) -> Scope<'a> {
        Scope { root, domain }
    }

    /// What `#`, or `#/$defs/Name`, leads to.
    pub(super) fn find(self, reference: &str) -> Option<&'a Value> {
        self.root.pointer(reference.strip_prefix('#')?)
    }
}

/// A type as text, and whether it must stand in parentheses before `[]`.
pub(super) struct Written {
    pub(super) text: String,
    is_compound: bool,
}

impl Written {
    fn simple(text: impl Into<String>) -> Written {
        Written { text: text.into(), is_compound: false }
    }

    fn in_one(self) -> String {
        if self.is_compound { format!("({})", self.text) } else { self.text }
    }
}

/// Whether the schema is an object with properties, and nothing beside.
pub(super) fn is_object(schema: &Value) -> bool {
    let is_alone = ["oneOf", "anyOf", "allOf", "$ref", "enum", "const"].iter().all(|other| schema.get(other).is_none());
    schema["properties"].is_object() && schema["type"] == "object" && is_alone
}

/// The type of a schema, for lines that begin with `indent`.
pub(super) fn type_text(names: &mut Declarations<'_>, scope: Scope<'_>, schema: &Value, indent: &str) -> Written {
    let keywords = match schema {
        Value::Object(keywords) => keywords,
        Value::Bool(false) => return Written::simple("never"),
        _ => return Written::simple("unknown"),
    };
    let mut parts = Vec::new();
    if let Some(reference) = keywords.get("$ref").and_then(Value::as_str) {
        parts.push(Written::simple(names.named(scope, reference)));
    }
    if let Some(value) = keywords.get("const") {
        parts.push(literal(value));
    }
    if let Some(values) = keywords.get("enum").and_then(Value::as_array) {
        parts.push(joined(values.iter().map(literal).collect(), " | "));
    }
    for keyword in ["oneOf", "anyOf", "allOf"] {
        if let Some(schemas) = keywords.get(keyword).and_then(Value::as_array) {
            let each = schemas.iter().map(|schema| type_text(names, scope, schema, indent)).collect();
            parts.push(joined(each, if keyword == "allOf" { " & " } else { " | " }));
        }
    }
    let says_values = keywords.contains_key("const") || keywords.contains_key("enum");
    if !says_values && (parts.is_empty() || keywords.contains_key("properties")) {
        parts.extend(by_type(names, scope, keywords, indent));
    }
    match parts.len() {
        0 => Written::simple("unknown"),
        _ => joined(parts, " & "),
    }
}

/// A union of which each variant has a line, where a variant has words; for a declaration.
pub(super) fn union_text(names: &mut Declarations<'_>, scope: Scope<'_>, schema: &Value) -> Option<String> {
    let keywords = schema.as_object().filter(|keywords| !keywords.contains_key("properties"))?;
    let variants = keywords.get("oneOf").or(keywords.get("anyOf"))?.as_array()?;
    let has_words = |schema: &Value| schema["description"].is_string();
    if !variants.iter().any(has_words) {
        return None;
    }
    let line = |variant: &Value| {
        let words = doc(variant["description"].as_str().unwrap_or_default(), "  ");
        format!("{words}  | {}", type_text(names, scope, variant, "    ").text)
    };
    Some(variants.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// The properties of an object in braces, for lines that begin with `indent`.
pub(super) fn object_text(names: &mut Declarations<'_>, scope: Scope<'_>, schema: &Value, indent: &str) -> String {
    let inner = format!("{indent}  ");
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let properties = schema["properties"].as_object().into_iter().flatten();
    let property = |(name, schema): (&String, &Value)| {
        let mark = if required.iter().any(|required| required == name) { "" } else { "?" };
        let words = doc(schema["description"].as_str().unwrap_or_default(), &inner);
        let of_type = type_text(names, scope, schema, &inner).text;
        format!("{words}{inner}{}{mark}: {of_type};\n", key(name))
    };
    let known: String = properties.map(property).collect();
    let others = match schema.get("additionalProperties") {
        None | Some(Value::Bool(false)) => String::new(),
        // The known properties have to fit it, hence it cannot be narrower.
        Some(_) => format!("{inner}[key: string]: unknown;\n"),
    };
    format!("{{\n{known}{others}{indent}}}")
}

/// Every reference in a schema.
pub(super) fn referred(schema: &Value) -> Vec<&str> {
    match schema {
        Value::Object(keywords) => {
            let own = keywords.get("$ref").and_then(Value::as_str);
            own.into_iter().chain(keywords.values().flat_map(referred)).collect()
        }
        Value::Array(items) => items.iter().flat_map(referred).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// What the keyword `type` says, with the keywords that belong to a type.
fn by_type(
    names: &mut Declarations<'_>,
    scope: Scope<'_>,
    keywords: &Map<String, Value>,
    indent: &str,
) -> Option<Written> {
    let types: Vec<&str> = match keywords.get("type") {
        Some(Value::String(of_type)) => vec![of_type],
        Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect(),
        _ if keywords.contains_key("properties") => vec!["object"],
        _ => return None,
    };
    let each = types.into_iter().map(|of_type| match of_type {
        "string" | "boolean" | "null" => Written::simple(of_type),
        "integer" | "number" => Written::simple("number"),
        "array" => array(names, scope, keywords, indent),
        "object" => object(names, scope, keywords, indent),
        _ => Written::simple("unknown"),
    });
    Some(joined(each.collect(), " | "))
}

fn array(names: &mut Declarations<'_>, scope: Scope<'_>, keywords: &Map<String, Value>, indent: &str) -> Written {
    let rest = keywords.get("items").filter(|items| **items != Value::Bool(false));
    let rest = rest.map(|items| type_text(names, scope, items, indent));
    let Some(first) = keywords.get("prefixItems").and_then(Value::as_array) else {
        let item = rest.unwrap_or(Written::simple("unknown"));
        return Written::simple(item.in_one() + "[]");
    };
    let mut items: Vec<String> = first.iter().map(|item| type_text(names, scope, item, indent).text).collect();
    items.extend(rest.map(|rest| format!("...{}[]", rest.in_one())));
    Written::simple(format!("[{}]", items.join(", ")))
}

fn object(names: &mut Declarations<'_>, scope: Scope<'_>, keywords: &Map<String, Value>, indent: &str) -> Written {
    if keywords.contains_key("properties") {
        return Written::simple(object_text(names, scope, &Value::Object(keywords.clone()), indent));
    }
    let values = match keywords.get("additionalProperties") {
        Some(Value::Bool(false)) => {
            let patterns = keywords.get("patternProperties").and_then(Value::as_object).into_iter().flatten();
            let each = patterns.map(|(_, schema)| type_text(names, scope, schema, indent)).collect::<Vec<_>>();
            if each.is_empty() { Written::simple("never") } else { joined(each, " | ") }
        }
        Some(schema) => type_text(names, scope, schema, indent),
        None => Written::simple("unknown"),
    };
    Written::simple(format!("{{ [key: string]: {} }}", values.text))
}

fn literal(value: &Value) -> Written {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Written::simple(value.to_string()),
        Value::Array(_) | Value::Object(_) => Written::simple("unknown"),
    }
}

/// The types in one, each once.
fn joined(mut parts: Vec<Written>, by: &str) -> Written {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let mut texts: Vec<String> = Vec::new();
    for part in parts {
        let text = if by == " & " { part.in_one() } else { part.text };
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    Written { is_compound: texts.len() > 1, text: texts.join(by) }
}

fn key(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let is_word = name.chars().all(fits) && !name.starts_with(|first: char| first.is_ascii_digit()) && !name.is_empty();
    if is_word { name.to_owned() } else { Value::from(name).to_string() }
}
