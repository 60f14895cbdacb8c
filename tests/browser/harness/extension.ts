/** An extension made on the fly, with an id that is known beforehand, and a native messaging host that it may start. */

import { createHash, generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { bundle } from "./bundle.js";

/** What the host is called; the extension's worker asks for it by this name. */
const HOST = "dev.sixframe.test";

export class Extension {
  readonly folder: string;
  readonly id: string;

  private constructor(folder: string, id: string) {
    this.folder = folder;
    this.id = id;
  }

  static async make(serialization: "json" | "structured"): Promise<Extension> {
    const folder = mkdtempSync(join(tmpdir(), "sixframe-extension-"));
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const key = publicKey.export({ type: "spki", format: "der" });
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
    const manifest = {
      manifest_version: 3,
      name: "sixframe test",
      version: "1",
      key: key.toString("base64"),
      permissions: ["nativeMessaging"],
      background: { service_worker: "background.js" },
      content_scripts: [{ matches: ["http://127.0.0.1/*"], js: ["serialization.js", "content.js"] }],
      externally_connectable: { matches: ["http://127.0.0.1/*"] },
      ...(serialization === "structured" ? { message_serialization: "structured_clone" } : {}),
    };
    const settings = `globalThis.serialization = "${serialization}";`;
    write("manifest.json", JSON.stringify(manifest));
    write("serialization.js", settings);
    write("background.js", settings + (await bundle("extension-worker")));
    write("content.js", await bundle("content-script"));
    write("panel.js", await bundle("extension-page"));
    write("panel.html", `<!doctype html><body><script src="serialization.js"></script><script src="panel.js"></script>`);
    return new Extension(folder, idOf(key));
  }

  /** The flags that load it: Chromium needs both. */
  get flags(): string[] {
    return [`--disable-extensions-except=${this.folder}`, `--load-extension=${this.folder}`];
  }

  /** Lets it start the daemon's binary as its host, in this profile. A host is a program without arguments of ours. */
  allowHost(profile: string, root: string): void {
    const script = join(this.folder, "host.sh");
    const binary = process.env.SIXFRAME_BIN ?? "sixframe";
    const serve = `stdio --framing native --allow process.run --set fs.roots='${root}' --set log=warn`;
    writeFileSync(script, `#!/bin/sh\nexec '${binary}' ${serve}\n`);
    chmodSync(script, 0o755);
    mkdirSync(join(profile, "NativeMessagingHosts"));
    const origins = [`chrome-extension://${this.id}/`];
    const manifest = { name: HOST, description: "sixframe", path: script, type: "stdio", allowed_origins: origins };
    writeFileSync(join(profile, "NativeMessagingHosts", `${HOST}.json`), JSON.stringify(manifest));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The first half of the key's hash, in the letters that Chrome uses for digits. */
function idOf(key: Buffer): string {
  const digits = createHash("sha256").update(key).digest("hex").slice(0, 32);
  return digits.replace(/./g, (digit) => String.fromCharCode("a".charCodeAt(0) + Number.parseInt(digit, 16)));
}
