//! The module of a made-up peer that has every form a schema can take.

use serde_json::{Value, json};

use super::*;

fn method(name: &str, shape: &str, params: Value, result: Value) -> Value {
    json!({"name": name, "x-shape": shape, "params": [{"schema": params}], "result": {"schema": result}})
}

fn document(methods: &[Value]) -> Value {
    json!({"openrpc": "1.3.2", "methods": methods, "x-methodsHash": "00ff"})
}

/// The type of one schema, as the parameters of a method have it, and what was declared for it.
fn type_of(schema: Value) -> String {
    let text = module(&document(&[method("a.b", "unary", schema, json!(true))])).unwrap();
    let declared = text.split_once("\"00ff\";\n\n").unwrap().1.split_once("/** What each method").unwrap().0;
    let params = text.split_once("    params: ").unwrap().1.split_once(";\n    result: unknown;").unwrap().0;
    format!("{declared}{params}")
}

#[test]
fn every_form_of_a_schema_has_its_type() {
    for (schema, expected) in [
        (json!(true), "unknown"),
        (json!({}), "unknown"),
        (json!(false), "never"),
        (json!({"title": "AnyValue"}), "unknown"),
        (json!({"title": "null", "type": "null"}), "null"),
        (json!({"type": "integer", "format": "uint64", "minimum": 0}), "number"),
        (json!({"type": ["string", "null"]}), "string | null"),
        (json!({"const": "a\"b", "type": "string"}), r#""a\"b""#),
        (json!({"enum": ["a", 1, null, true]}), r#""a" | 1 | null | true"#),
        (json!({"type": "array", "items": {"type": ["string", "null"]}}), "(string | null)[]"),
        (json!({"type": "array", "items": {"type": "array", "items": {"type": "number"}}}), "number[][]"),
        (json!({"type": "array"}), "unknown[]"),
        (
            json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}], "minItems": 2}),
            "[string, number]",
        ),
        (
            json!({"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "number"}}),
            "[string, ...number[]]",
        ),
        (json!({"type": "object"}), "{ [key: string]: unknown }"),
        (
            json!({"type": "object", "additionalProperties": {"type": ["number", "null"]}}),
            "{ [key: string]: number | null }",
        ),
        (
            json!({"type": "object", "additionalProperties": false, "patternProperties": {"^\\d+$": {"type": "string"}}}),
            "{ [key: string]: string }",
        ),
        (json!({"anyOf": [{"type": "number"}, {"type": "null"}]}), "number | null"),
        (json!({"anyOf": [{"type": "number"}, {"type": "integer"}]}), "number"),
        (
            json!({"allOf": [{"type": ["string", "null"]}, {"anyOf": [{"const": 1}, {"const": 2}]}]}),
            "(string | null) & (1 | 2)",
        ),
        (json!({"$ref": "#/$defs/Missing"}), "unknown"),
        (json!({"type": "object", "properties": {}}), "{\n    }"),
        (
            json!({"type": "object", "properties": {"a b": true, "c": {"type": "string"}}, "required": ["c"], "additionalProperties": true}),
            "{\n      \"a b\"?: unknown;\n      c: string;\n      [key: string]: unknown;\n    }",
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "oneOf": [{"const": 1}, {"const": 2}]}),
            "(1 | 2) & {\n      a?: string;\n    }",
        ),
    ] {
        assert_eq!(type_of(schema.clone()), expected, "{schema}");
    }
}

#[test]
fn a_type_that_holds_itself_is_declared_once() {
    let tree = json!({
        "title": "Tree", "type": "object", "required": ["children"],
        "properties": {"children": {"type": "array", "items": {"$ref": "#"}}, "leaf": {"$ref": "#/$defs/tree_leaf"}},
        "$defs": {"tree_leaf": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/$defs/tree_leaf"}}]}},
    });
    let expected = "\
export interface Tree {
  children: Tree[];
  leaf?: TreeLeaf;
}

export type TreeLeaf = string | TreeLeaf[];

Tree";
    assert_eq!(type_of(tree), expected);
}

#[test]
fn one_name_for_several_types_becomes_a_name_for_each() {
    let point =
        |required: Value| json!({"type": "object", "properties": {"x": {"type": "number"}}, "required": required});
    let line = |end: Value| json!({"title": "Line", "type": "object", "properties": {"end": {"$ref": "#/$defs/Point"}}, "$defs": {"Point": end}});
    let methods = [
        method("a.one", "unary", line(point(json!(["x"]))), line(point(json!(["x"])))),
        method("a.two", "unary", line(point(json!([]))), json!({"title": "Api", "enum": [1]})),
        method("b.c.three", "unary", json!({"title": "Line", "type": "object", "properties": {}}), json!(true)),
    ];
    let text = module(&document(&methods)).unwrap();
    let expected = "\
export interface ALine {
  end?: APoint;
}

export interface ALine2 {
  end?: APoint2;
}

export interface APoint {
  x: number;
}

export interface APoint2 {
  x?: number;
}

export type Api2 = 1;

export interface BCLine {
}

/** What each method takes and gives. */
export interface Api {
  \"a.one\": {
    kind: \"unary\";
    params: ALine;
    result: ALine;
  };
  \"a.two\": {
    kind: \"unary\";
    params: ALine2;
    result: Api2;
  };
  \"b.c.three\": {
    kind: \"unary\";
    params: BCLine;
    result: unknown;
  };
}
";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_type_that_stands_alone_and_within_another_is_one() {
    let version = |more: Value| {
        let mut version = json!({"type": "object", "properties": {"n": {"type": "number"}}, "required": ["n"]});
        version.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        version
    };
    let whole = version(json!({"title": "Version", "$schema": "x", "description": "A version."}));
    let within = json!({
        "title": "Since", "type": "object", "properties": {"since": {"$ref": "#/$defs/Version"}},
        "$defs": {"Version": version(json!({"description": "Where to begin."}))},
    });
    let text = module(&document(&[method("a.b", "unary", within, whole)])).unwrap();
    assert!(text.contains("  since?: Version;\n") && text.contains("    result: Version;\n"), "{text}");
    assert_eq!(text.matches("export interface Version {").count(), 1, "{text}");
}

#[test]
fn words_become_comments_that_nothing_in_them_can_end() {
    let kind = json!({
        "title": "Kind", "description": "What */ happened.\n\nIn two paragraphs.",
        "oneOf": [{"const": "one", "description": "The first."}, {"const": "two"}],
    });
    let expected = "\
/**
 * What *\\/ happened.
 *
 * In two paragraphs.
 */
export type Kind =
  /** The first. */
  | \"one\"
  | \"two\";

Kind";
    assert_eq!(type_of(kind), expected);
}

#[test]
fn each_kind_of_method_names_what_goes_up_and_what_comes_down() {
    let mut upload = method("c.upload", "upload", json!(true), json!({"type": "null"}));
    upload["x-upstream"] = json!({"type": "string"});
    let mut duplex = method("d.duplex", "duplex", json!(true), json!({"type": "number"}));
    duplex["x-upstream"] = json!({"type": "string", "description": "Not for machines.", "minLength": 1});
    let mut stream = method("b.stream", "stream", json!(true), json!({"type": "number"}));
    (stream["x-idempotent"], stream["x-resumable"], stream["summary"]) = (json!(true), json!(true), json!("Counts."));
    let document = document(&[stream, upload, duplex]);
    let expected = "\
  /** Counts. */
  \"b.stream\": {
    kind: \"stream\";
    params: unknown;
    item: number;
  };
  \"c.upload\": {
    kind: \"upload\";
    params: unknown;
    upstream: string;
    result: null;
  };
  \"d.duplex\": {
    kind: \"duplex\";
    params: unknown;
    upstream: string;
    item: number;
  };
}

/** How each method is called: whether it may be repeated, and whether its stream goes on after a break. */
export const methods = {
  \"b.stream\": { kind: \"stream\", idempotent: true, resumable: true },
  \"c.upload\": { kind: \"upload\", idempotent: false, resumable: false },
  \"d.duplex\": { kind: \"duplex\", idempotent: false, resumable: false },
} as const;
";
    let text = module(&document).unwrap();
    assert!(text.ends_with(expected), "{text}");
    let schemas = schemas(&document).unwrap();
    assert!(
        schemas.contains("\"upstream\": {\n      \"minLength\": 1,\n      \"type\": \"string\"\n    }"),
        "{schemas}"
    );
}

#[test]
fn properties_that_are_called_like_keywords_are_kept() {
    let schema = json!({
        "title": "T", "type": "object", "description": "words",
        "properties": {"title": {"type": "string", "title": "x"}, "default": {"const": {"title": "kept"}}},
        "required": ["title"],
    });
    let expected = json!({
        "type": "object", "required": ["title"],
        "properties": {"title": {"type": "string"}, "default": {"const": {"title": "kept"}}},
    });
    assert_eq!(checked(&schema), expected);
}

#[test]
fn what_is_no_document_is_refused() {
    for document in [
        json!(null),
        json!({"methods": 1}),
        json!({"methods": [{"name": "a"}]}),
        document(&[method("a", "loop", json!(1), json!(1))]),
    ] {
        assert!(module(&document).is_err() && schemas(&document).is_err(), "{document}");
    }
}
