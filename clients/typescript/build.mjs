// Builds what is published: a module of JavaScript for every one of TypeScript, with its declarations. Names that begin with
// `_` are the package's own: they are shortened here, because no bundler does that for them, and no declaration has them.
//
//     node build.mjs [FOLDER]      (dist unless given)

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const home = dirname(fileURLToPath(import.meta.url));
const src = join(home, "src");
const outdir = resolve(process.argv[2] ?? join(home, "dist"));
const tsconfig = join(home, "tsconfig.build.json");
const OWN = /^_[a-zA-Z]/;
/** What declares classes that nobody else sees: neither extended by users, nor filled with fields of theirs. */
const HIDDEN = /(flow|session[\\/]\w+|limits[\\/]\w+)\.d\.ts$/;
/** The letters of the short names, those first that a module of JavaScript has most of: that is what compresses best. */
const LETTERS = "etnsiroaldchupmfgywbvkjxqzCEPRDSTLANOIMFBUHGWKVYXJQZ$";

const common = { format: "esm", target: "es2022", tsconfig };
const entryPoints = filesIn(src, ".ts");

rmSync(outdir, { recursive: true, force: true });
const hidden = declare();
await build({ ...common, entryPoints, outbase: src, outdir, sourcemap: true, mangleProps: OWN, mangleCache: await shortNames() });

/**
 * A short name for each of the package's own. It begins with `_` too, so that no field of a subclass or of a `meta` meets
 * it, but for names that only hidden classes have.
 */
async function shortNames() {
  const { outputFiles } = await build({ ...common, entryPoints: [join(src, "index.ts")], bundle: true, minify: true, write: false });
  const names = new Map();
  const used = { "": 0, _: 0 };
  for (const text of [outputFiles[0].text, ...entryPoints.map((path) => readFileSync(path, "utf8"))]) {
    const counts = new Map();
    for (const [name] of text.matchAll(/\b_[a-zA-Z]\w*/g)) counts.set(name, (counts.get(name) ?? 0) + 1);
    // The engine comes first, and of it what is named most often.
    const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    for (const [name] of sorted) {
      const prefix = hidden.has(name) ? "" : "_";
      if (!names.has(name)) names.set(name, prefix + short(used[prefix]++));
    }
  }
  return Object.fromEntries(names);
}

function short(n) {
  const more = Math.floor(n / LETTERS.length);
  return LETTERS[n % LETTERS.length] + (more ? LETTERS[more - 1] : "");
}

/**
 * Writes the declarations, and takes out of them what has another name in the modules. Returns the names that only hidden
 * classes have.
 */
function declare() {
  const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
  const args = ["-p", tsconfig, "--emitDeclarationOnly", "--outDir", outdir];
  execFileSync(process.execPath, [tsc, ...args], { cwd: home, stdio: "inherit" });
  const own = /^( +)(?:\/\*\*(?:[^*]|\*(?!\/))*\*\/\n\1)?(?:[a-z]+ )*(_[a-zA-Z]\w*)(?:[^\n]*;|[^\n]*\{\n[^]*?\n\1\}[^\n]*;)\n/gm;
  const seen = new Set();
  const hidden = new Set();
  for (const path of filesIn(outdir, ".d.ts")) {
    const text = readFileSync(path, "utf8").replace(own, (_, _indent, name) => {
      (HIDDEN.test(path) ? hidden : seen).add(name);
      return "";
    });
    const left = text.replace(/\/\*[^]*?\*\//g, "").match(/\b_[a-zA-Z]\w*/);
    if (left) throw new Error(`${path} declares ${left[0]}, which is the package's own`);
    writeFileSync(path, text);
  }
  return new Set([...hidden].filter((name) => !seen.has(name)));
}

function filesIn(folder, ending) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(folder, name));
}
