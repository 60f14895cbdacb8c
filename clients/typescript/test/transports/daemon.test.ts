import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";

import { RpcEndpoint } from "../../src/index.js";
import { child, ChildTransport } from "../../src/transports/child.js";
import { failover } from "../../src/transports/failover.js";
import { webSocket, WebSocketTransport } from "../../src/transports/websocket.js";
import { Listening } from "./listening.js";

const binary = process.env.SIXFRAME_BIN ?? "";
const isThere = existsSync(binary);

// What is meant for these tests is no configuration of a daemon.
const ours = Object.keys(process.env).filter((name) => name.startsWith("SIXFRAME_"));
const env = Object.fromEntries(ours.map((name) => [name, undefined]));

test.runIf(!isThere && process.env.CI !== undefined)("there is a daemon to speak to", () => {
  throw new Error("SIXFRAME_BIN names no daemon; build it and say where it is");
});

describe.skipIf(!isThere)("the real daemon", () => {
  test.each([
    ["newline", "ndjson"],
    ["content-length", "content-length"],
    ["native", "native"],
  ] as const)("answers as a child with %s framing", async (framing, named) => {
    const args = ["stdio", "--framing", named, "--allow", "process.run", "--set", "log=warn"];
    const rpc = new RpcEndpoint(child(binary, args, { framing, env }));
    rpc.start();
    expect(await rpc.request("rpc.ping", { é: "😀".repeat(20_000) })).toEqual({ é: "😀".repeat(20_000) });
    let lines = 0;
    for await (const { data } of rpc.stream<{ data?: string }>("process.run", { program: "seq", args: ["30000"] })) {
      lines += data?.split("\n").length ?? 1;
      lines -= 1;
    }
    expect(lines).toBe(30_000);
    rpc.stop();
  });

  test("a child that cannot run says why", async () => {
    const broken = new ChildTransport(binary, ["stdio", "--set", "no.such=1"], { env });
    const { clean, reason } = await (await Listening.to(broken)).closed;
    expect(clean).toBe(false);
    expect(reason).toContain("exited with status 2");
    expect(reason).toContain("no.such");
  });

  describe("over WebSocket", () => {
    let folder: string;
    let daemon: ChildProcess;
    let url: string;
    let token: string;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "sixframe-client-"));
      const settings = ["--runtime-dir", folder, "--listen", "ws://127.0.0.1:0", "--no-console", "--set", "log=warn"];
      daemon = spawn(binary, ["serve", ...settings], { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
      const [line] = (await once(createInterface({ input: daemon.stdout as Readable }), "line")) as [string];
      const ready = JSON.parse(line) as { listen: [string]; tokenFile: string };
      url = ready.listen[0];
      token = readFileSync(ready.tokenFile, "utf8").trim();
    });
    afterAll(() => {
      daemon.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    });

    test("answers who knows its token, and says that to nobody else", async () => {
      const rpc = new RpcEndpoint(webSocket(url, { token, WebSocket }));
      rpc.start();
      expect(await rpc.request("rpc.ping", 1)).toBe(1);
      rpc.stop();
      const stranger = new WebSocketTransport(url, { token: "wrong", WebSocket });
      await expect(Listening.to(stranger)).rejects.toThrow("401");
    });

    test("is the spare of one that is not there", async () => {
      const away = webSocket("ws://127.0.0.1:1/", { token, WebSocket });
      const rpc = new RpcEndpoint(failover([away, webSocket(url, { token, WebSocket })]));
      rpc.start();
      expect(await rpc.request("rpc.ping", 2)).toBe(2);
      rpc.stop();
    });
  });
});
