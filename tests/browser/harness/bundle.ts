/** Scripts for pages and workers, bundled on the fly from the client's sources. */

import { fileURLToPath } from "node:url";

import { build, type Format } from "esbuild";

const FOLDER = new URL("../pages/", import.meta.url);
const TSCONFIG = fileURLToPath(new URL("../tsconfig.json", import.meta.url));

/** The script `pages/NAME.ts` with everything that it imports. */
export async function bundle(name: string, format: Format = "iife"): Promise<string> {
  const result = await build({
    entryPoints: [fileURLToPath(new URL(`${name}.ts`, FOLDER))],
    bundle: true,
    write: false,
    format,
    target: "es2022",
    tsconfig: TSCONFIG,
    logLevel: "warning",
  });
  return result.outputFiles[0]?.text ?? "";
}
