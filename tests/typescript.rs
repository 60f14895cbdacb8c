//! What `sixframe types` prints: committed where the console uses it, and good TypeScript in the eyes of its compiler.
#![cfg(feature = "daemon")]
#![allow(clippy::unwrap_used, reason = "what cannot be started or read fails the test that needs it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the page of the console is compiled with.
const COMMITTED: &str = "console/src/api.ts";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `sixframe types` of a daemon that is a child of the command.
fn types(flags: &[&str]) -> String {
    let program = env!("CARGO_BIN_EXE_sixframe");
    let mut command = Command::new(program);
    command.args(["types", &format!("exec:'{program}' stdio")]).args(flags).env("SIXFRAME_LOG", "off");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_committed_types_are_those_of_this_daemon() {
    let committed = fs::read_to_string(root().join(COMMITTED)).unwrap_or_default();
    assert!(committed == types(&[]), "run `sixframe types 'exec:sixframe stdio' > {COMMITTED}` with this version");
}

/// A program of an npm package; without it, a test has nothing to say, but in CI.
fn installed(name: &str) -> Option<PathBuf> {
    let program = root().join("node_modules/.bin").join(name);
    if !program.exists() {
        assert!(std::env::var_os("CI").is_none(), "run `npm ci` first");
        eprintln!("NOT TESTED: run `npm ci` first");
        return None;
    }
    Some(program)
}

#[test]
fn the_validators_understand_every_schema_of_the_daemon() {
    let Some(bundler) = installed("esbuild") else { return };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::write(folder.path().join("api.ts"), types(&["--validators"])).unwrap();
    let page = format!(
        "import {{ methods, schemas }} from \"./api.ts\";\n\
         import {{ validator }} from \"{}/validators.ts\";\n\
         const parts = Object.values(schemas).flatMap((parts) => Object.values(parts));\n\
         for (const schema of parts) validator(schema as never);\n\
         console.log(Object.keys(methods).length * 2 <= parts.length);\n",
        root().join("clients/typescript/src").display()
    );
    fs::write(folder.path().join("page.ts"), page).unwrap();
    let script = folder.path().join("page.mjs");
    let mut bundle = Command::new(bundler);
    bundle
        .args(["page.ts", "--bundle", "--format=esm", "--log-level=warning"])
        .arg(format!("--outfile={}", script.display()));
    assert!(bundle.current_dir(folder.path()).status().unwrap().success());
    let output = Command::new("node").arg(script).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "true\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_types_compile_and_hold_callers_to_them() {
    let Some(compiler) = installed("tsc") else { return };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::write(folder.path().join("api.ts"), types(&["--validators"])).unwrap();
    let client = root().join("clients/typescript/src");
    let page = format!(
        "import {{ type Api, methods, methodsHash, schemas }} from \"./api.js\";\n\
         import type {{ RpcEndpoint }} from \"{client}/endpoint.js\";\n\
         import {{ typed }} from \"{client}/typed.js\";\n\
         import {{ validator }} from \"{client}/validators.js\";\n\
         export async function call(endpoint: RpcEndpoint): Promise<string> {{\n\
           const peer = typed<Api>(endpoint);\n\
           for await (const change of peer.stream(\"fs.watch\", {{ path: \".\" }})) return change.paths.join();\n\
           return (await peer.request(\"console.ticket\")).url;\n\
         }}\n\
         export const hash: string = methodsHash;\n\
         export const kind: \"stream\" = methods[\"fs.tail\"].kind;\n\
         export const params: Api[\"fs.tail\"][\"params\"] = {{ path: \"log\", from: \"start\" }};\n\
         export const item = validator<Api[\"fs.tail\"][\"item\"]>(schemas[\"fs.tail\"].item);\n\
         export const data: string | undefined = item({{}})?.data;\n\
         // @ts-expect-error: there is no such edge\n\
         export const wrong: Api[\"fs.tail\"][\"params\"] = {{ path: \"log\", from: \"middle\" }};\n\
         // @ts-expect-error: a path is needed\n\
         export const missing: Api[\"fs.tail\"][\"params\"] = {{}};\n\
         // @ts-expect-error: there is no such method\n\
         export type None = Api[\"no.such\"];\n",
        client = client.display()
    );
    fs::write(folder.path().join("page.ts"), page).unwrap();
    let options =
        ["--noEmit", "--strict", "--target", "ES2022", "--module", "NodeNext", "--exactOptionalPropertyTypes"];
    let mut command = Command::new(compiler);
    command.args(options).args(["--noUncheckedIndexedAccess", "--erasableSyntaxOnly", "--types", ""]);
    let output = command.arg("page.ts").current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
