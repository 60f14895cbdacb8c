import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";

import { Hub, type HubState, type Operation } from "../../src/hub.js";
import { RpcEndpoint, type Transport } from "../../src/index.js";
import { WebSocketTransport, type WebSocketOptions } from "../../src/transports/websocket.js";
import { seeded } from "./random.js";

const PROGRAM = process.env["SIXFRAME_BIN"] ?? "";
const NOT_TESTED = existsSync(PROGRAM) ? "" : " (NOT TESTED: SIXFRAME_BIN names no daemon)";

const WINDOWS = 3;
const STEPS = 400;

let folder: string;
let daemon: ChildProcess;
let address: { url: string; token: string };

/** Starts a daemon; after another one in its folder and at its port. */
async function start(at = "ws://127.0.0.1:0"): Promise<void> {
  const arguments_ = ["serve", "--runtime-dir", folder, "--listen", at, "--no-console", "--set", "log=error"];
  daemon = spawn(PROGRAM, arguments_, {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: process.env["PATH"], XDG_CONFIG_HOME: folder },
  });
  const [line] = (await once(createInterface({ input: daemon.stdout as Readable }), "line")) as [string];
  const ready = JSON.parse(line) as { listen: string[]; tokenFile: string };
  address = { url: ready.listen[0] ?? "", token: readFileSync(ready.tokenFile, "utf8").trim() };
}

beforeEach(async () => {
  if (NOT_TESTED !== "") return;
  folder = mkdtempSync(join(tmpdir(), "sixframe-hub-"));
  await start();
});

async function kill(): Promise<void> {
  const exited = once(daemon, "exit");
  daemon.kill("SIGKILL");
  await exited;
}

afterEach(async () => {
  if (NOT_TESTED !== "") return;
  await kill();
  rmSync(folder, { recursive: true, force: true });
});

/** A window whose connection can be cut without a word. */
class Window {
  readonly endpoint: RpcEndpoint;
  readonly hub: Hub;
  #socket: WebSocket | undefined;

  constructor() {
    this.endpoint = new RpcEndpoint(() => this.#connect(), {
      backoff: { first: 1, longest: 20 },
      onWarning: () => undefined,
    });
    this.hub = new Hub(this.endpoint);
    this.endpoint.start();
  }

  cut(): void {
    this.#socket?.terminate();
  }

  stop(): void {
    this.hub.close();
    this.endpoint.stop();
  }

  #connect(): Transport {
    const remember = (socket: WebSocket): void => void (this.#socket = socket);
    class Remembered extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        remember(this);
      }
    }
    const options: WebSocketOptions = {
      token: address.token,
      WebSocket: Remembered as unknown as NonNullable<WebSocketOptions["WebSocket"]>,
    };
    return new WebSocketTransport(address.url, options);
  }
}

/** What happens is told by the seed; when it happens is the machine's. */
const SEED = Number(process.env["SIXFRAME_SEED"] ?? Date.now() % 2 ** 31);
const chance = seeded(SEED);

function random(choices: number): number {
  return Math.floor(chance() * choices);
}

function operations(): Operation[] {
  const key = "abcd"[random(4)] as string;
  const path = "/board/list";
  const some: (() => Operation[])[] = [
    () => [{ op: "add", path: `/board/members/${key}`, value: { n: random(1000) } }],
    () => [{ op: "remove", path: `/board/members/${key}` }],
    () => [{ op: "merge", path: "/board/members", value: { [key]: { n: random(1000), also: null } } }],
    () => [{ op: "put", path, by: "id", value: { id: key, n: random(1000) } }],
    () => [{ op: "put", path, by: "id", value: { id: key }, before: "abcd"[random(4)] }],
    () => [{ op: "drop", path, by: "id", key }],
    () => [{ op: "move", path, by: "id", key, before: "abcd"[random(4)] }],
    () => [
      { op: "add", path: "/board/log/0", value: random(1000) },
      { op: "replace", path: "/board/n", value: random(1000) },
    ],
    () => [
      { op: "test", path: "/board/n", value: random(1000) },
      { op: "add", path: "/board/log/-", value: -1 },
    ],
  ];
  return (some[random(some.length)] as () => Operation[])();
}

test.skipIf(NOT_TESTED !== "")(
  `windows on the real hub end up with its state, whatever they change and however their connections break${NOT_TESTED}`,
  { timeout: 120_000 },
  async () => {
    const windows = Array.from({ length: WINDOWS }, () => new Window());
    await windows[0]?.hub.set("/board", { members: {}, list: [], log: [], n: 0 });
    await Promise.all(windows.map(({ hub }) => hub.ready()));
    const outcomes: Promise<unknown>[] = [];
    let applied = 0;
    for (let step = 0; step < STEPS; step += 1) {
      const window = windows[random(WINDOWS)] as Window;
      const version = window.hub.version;
      const committed = window.hub.commit(operations(), random(5) === 0 && version ? { expect: version } : {});
      outcomes.push(
        committed.then(
          () => (applied += 1),
          (error: { code: string }) => expect(["CONFLICT", "INVALID_PAYLOAD"]).toContain(error.code),
        ),
      );
      if (random(25) === 0) window.cut();
      if (random(3) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(outcomes);
    const last = await windows[0]?.hub.set("/board/done", true);
    const reached = (hub: Hub): Promise<void> =>
      new Promise((resolve) => {
        const look = (): boolean => (hub.version?.revision ?? 0) >= (last?.revision ?? 0) && hub.pending === 0;
        if (look()) return resolve();
        const off = hub.onChange(() => {
          if (!look()) return;
          off();
          resolve();
        });
      });
    await Promise.all(windows.map(({ hub }) => reached(hub)));
    const truth = await (windows[0] as Window).endpoint.request<HubState>("hub.getSnapshot");
    for (const { hub } of windows) expect(hub.at("/board"), `SIXFRAME_SEED=${SEED}`).toEqual(truth["board"]);
    expect(applied).toBeGreaterThan(STEPS / 10);
    for (const window of windows) window.stop();
  },
);

test.skipIf(NOT_TESTED !== "")(
  `a commit is applied once although its connection breaks before the answer${NOT_TESTED}`,
  { timeout: 60_000 },
  async () => {
    const window = new Window();
    await window.hub.set("/counted", { list: [] });
    const commits = Array.from({ length: 200 }, (_, at) => {
      const commit = window.hub.commit([{ op: "add", path: "/counted/list/-", value: at }]);
      if (at % 20 === 10) window.cut();
      return commit;
    });
    await Promise.all(commits);
    const { counted } = await window.endpoint.request<{ counted: { list: number[] } }>("hub.getSnapshot");
    expect(counted.list).toEqual(Array.from({ length: 200 }, (_, at) => at));
    window.stop();
  },
);

test.skipIf(NOT_TESTED !== "")(
  `a daemon that is killed and started again under its windows applies each of their commits once${NOT_TESTED}`,
  { timeout: 60_000 },
  async () => {
    const window = new Window();
    await window.hub.set("/counted", { list: [] });
    const commits: Promise<unknown>[] = [];
    for (let round = 0; round < 3; round += 1) {
      for (let at = 0; at < 20; at += 1)
        commits.push(window.hub.commit([{ op: "add", path: "/counted/list/-", value: commits.length }]));
      await commits.at(-15);
      await kill();
      await start(address.url);
    }
    await Promise.all(commits);
    const { counted } = await window.endpoint.request<{ counted: { list: number[] } }>("hub.getSnapshot");
    expect(counted.list).toEqual(commits.map((_, at) => at));
    window.stop();
  },
);
