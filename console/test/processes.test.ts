import { expect, test } from "vitest";

import { Keeper } from "../src/processes/keeper.js";
import { plain, spans } from "../src/processes/ansi.js";
import { LogTail, type LogRow } from "../src/processes/log-tail.js";
import { beginning, marked } from "../src/processes/log-text.js";
import { asText, LogView, patternOf, type LogFilter } from "../src/processes/log-view.js";
import { applies, dependentsOf, sidecarOf, sidecarsOf, type Action, type Status } from "../src/processes/sidecar.js";
import { Ring, type Rows } from "../src/ring.js";
import type { Environment } from "../src/shell/environment.js";
import { Toasts } from "../src/shell/toasts.js";

const ALL: LogFilter = { stream: "both", text: "", only: false };

function list<T>(rows: Rows<T>): T[] {
  return Array.from({ length: rows.length }, (_, place) => rows.at(place) as T);
}

/** A stream whose items the test decides. */
class Items implements AsyncIterableIterator<unknown> {
  readonly #queue: unknown[] = [];
  #wake: (() => void) | undefined;
  #end: { error: unknown } | "done" | undefined;

  push(...items: unknown[]): void {
    this.#queue.push(...items);
    this.#wake?.();
  }

  end(error?: unknown): void {
    this.#end = error === undefined ? "done" : { error };
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<unknown>> {
    while (this.#queue.length === 0 && this.#end === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#queue.length > 0) return { done: false, value: this.#queue.shift() };
    if (this.#end !== undefined && this.#end !== "done") throw this.#end.error;
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<unknown>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** A daemon that answers as the test says. */
class Peer {
  status: object = { generation: 1, startedAt: 5, changedAt: 6 };
  /** How many requests fail before one is answered. */
  refuses = 0;
  readonly opened: { payload: unknown; items: Items }[] = [];
  #waiting: (() => void) | undefined;
  readonly link = {
    request: () => {
      if (this.refuses === 0) return Promise.resolve(this.status);
      this.refuses -= 1;
      return Promise.reject(Object.assign(new Error("away"), { code: "CONNECTION_CLOSED" }));
    },
    stream: (_: string, payload: unknown) => {
      const items = new Items();
      this.opened.push({ payload, items });
      this.#waiting?.();
      return items;
    },
  } as unknown as Environment["link"];

  /** The stream that was opened as the `number`th, from 0. */
  async stream(number: number): Promise<Items> {
    while (this.opened.length <= number) await new Promise<void>((resolve) => (this.#waiting = resolve));
    return (this.opened[number] as { items: Items }).items;
  }
}

/** A tail that tells at once. */
function tailOf(peer: Peer, bounds?: { rows: number; bytes: number }): LogTail {
  return new LogTail(peer.link, "api", bounds, (run) => run());
}

/** Resolves when the log says so. */
async function until(tail: LogTail, holds: () => boolean): Promise<void> {
  while (!holds())
    await new Promise<void>((resolve) => {
      const leave = tail.subscribe(() => (leave(), resolve()));
    });
}

const line = (offset: number, text: string, stream = "stdout", generation = 1): object => ({
  kind: "line",
  stream,
  generation,
  offset,
  text,
});

test("the slice is read whatever it leaves out, and null says as little as what is absent", () => {
  expect(sidecarsOf(undefined)).toBeUndefined();
  expect(sidecarsOf({})).toMatchObject({ mode: { name: "standalone", changing: undefined }, sidecars: [] });
  const told = sidecarsOf({
    mode: { mode: "connected", serverUrl: "wss://far", serverFailure: "it is another server", endpoints: { web: { url: "https://far/web", owner: "remote" } } },
    services: { web: { status: "ready", url: null, failure: null, pid: null }, api: { status: "dancing", port: 8001 } },
  });
  expect(told?.mode).toMatchObject({ name: "connected", serverUrl: "wss://far", serverFailure: "it is another server" });
  expect(told?.sidecars.map(({ name, status, owner, url, reason, pid }) => [name, status, owner, url, reason, pid])).toEqual([
    ["api", "stopped", "none", undefined, undefined, undefined],
    ["web", "ready", "remote", "https://far/web", undefined, undefined],
  ]);
});

test("why one failed is read with what is known of it", () => {
  const details = {
    exit: { code: null, signal: 9 },
    stderr: ["one", 2, "two"],
    holder: { pid: 7, program: "nginx" },
    paths: ["/a/api", "/b/api"],
    dependency: "db",
  };
  expect(sidecarOf({ name: "api", status: "failed", failure: { code: "PORT_IN_USE", message: "m", details } }).reason).toEqual({
    code: "PORT_IN_USE",
    message: "m",
    exit: { code: undefined, signal: 9 },
    stderr: ["one", "two"],
    holder: { pid: 7, program: "nginx" },
    paths: ["/a/api", "/b/api"],
    dependency: "db",
  });
  expect(sidecarOf({ status: "failed" }).reason).toMatchObject({ code: "FAILED", message: "" });
});

test.each([
  ["starting", ["stop", "restart"]],
  ["ready", ["stop", "restart"]],
  ["running", ["stop", "restart"]],
  ["stopping", []],
  ["stopped", ["start"]],
  ["failed", ["start"]],
] satisfies [Status, Action[]][])("what is %s can be made to %j, and nothing where a remote daemon owns it", (status, actions) => {
  const all: Action[] = ["start", "stop", "restart"];
  expect(all.filter((action) => applies(action, sidecarOf({ status, owner: "this" })))).toEqual(actions);
  expect(all.filter((action) => applies(action, sidecarOf({ status, owner: "remote" })))).toEqual([]);
});

test("those that run and need one are known, also through others and in a circle", () => {
  const services = [
    { name: "db", status: "ready", dependsOn: ["web"] },
    { name: "api", status: "ready", dependsOn: ["db"] },
    { name: "web", status: "running", dependsOn: ["api"] },
    { name: "cron", status: "stopped", dependsOn: ["db"] },
    { name: "other", status: "ready" },
  ].map(sidecarOf);
  expect(dependentsOf("db", services)).toEqual(["api", "web"]);
  expect(dependentsOf("other", services)).toEqual([]);
});

test("an action that takes others down asks first, is done once at a time, and its refusal is kept until it is forgiven", async () => {
  const asked: unknown[] = [];
  const answers: (() => void)[] = [];
  const link = {
    request: (...call: unknown[]) => {
      asked.push(call.slice(0, 2));
      return new Promise((_, reject) => answers.push(() => reject({ code: "PORT_IN_USE", message: "taken", domain: "sidecar" })));
    },
  } as unknown as Environment["link"];
  const toasts = new Toasts();
  const keeper = new Keeper(link, toasts);
  const sidecars = [
    sidecarOf({ name: "db", status: "ready" }),
    sidecarOf({ name: "api", status: "ready", dependsOn: ["db"] }),
  ];
  keeper.propose("stop", "db", sidecars);
  expect(keeper.asked.get()).toEqual({ name: "db", dependents: ["api"] });
  keeper.propose("restart", "api", sidecars);
  keeper.propose("stop", "api", sidecars);
  expect(asked).toEqual([["sidecar.restart", { name: "api" }]]);
  expect(keeper.busy.get().get("api")).toBe("restart");
  const free = new Promise<void>((resolve) => keeper.busy.subscribe(resolve));
  answers[0]?.();
  await free;
  expect(keeper.refusals.get().get("api")).toMatchObject({ action: "restart", failure: { code: "PORT_IN_USE" } });
  expect(toasts.shown.get()).toMatchObject([{ text: "api: taken (PORT_IN_USE)", tone: "bad" }]);
  keeper.forgive("api");
  expect(keeper.refusals.get().size).toBe(0);
});

test("a log is followed over runs, with gaps and the borders between them", async () => {
  const peer = new Peer();
  const tail = tailOf(peer);
  tail.open();
  const items = await peer.stream(0);
  expect(peer.opened[0]?.payload).toEqual({ name: "api", stream: "both", from: "start", follow: true });
  items.push(
    { kind: "gap", stream: "stdout", generation: 1, from: 0, to: 12_340 },
    { ...line(12_340, "one"), rest: true },
    line(0, "two", "stderr"),
    { kind: "exited", generation: 1, exit: { code: 3 } },
    { kind: "started", generation: 2, pid: 42 },
    line(0, "three", "stdout", 2),
  );
  await until(tail, () => tail.rows.length === 6);
  expect(asText(tail.rows).split("\n")).toEqual([
    "[12,340 bytes not kept]",
    "…one",
    "two",
    "[Run 1 exited with code 3]",
    "[Run 2 began, process 42]",
    "three",
    "",
  ]);
  tail.close();
});

test("runs that are not kept any more are told as runs, once, and not where they wrote nothing", async () => {
  const peer = new Peer();
  const tail = tailOf(peer);
  tail.open();
  const runs = { kind: "gap", stream: "stdout", generation: 1, lastGeneration: 24, from: 0, to: 4_200 };
  const items = await peer.stream(0);
  items.push(runs, { ...runs, stream: "stderr", to: 0 }, runs, { kind: "started", generation: 25 }, line(0, "one", "stdout", 25));
  await until(tail, () => tail.rows.length === 3);
  expect(asText(tail.rows).split("\n").slice(0, 2)).toEqual(["[Runs 1 to 24, with 4,200 bytes, not kept]", "[Run 25 began]"]);
  tail.close();
});

test("after a break of the connection what was read is left out, but all of another daemon's is shown", async () => {
  const peer = new Peer();
  const tail = tailOf(peer);
  tail.open();
  const started = { kind: "started", generation: 1 };
  (await peer.stream(0)).push(started, line(0, "one"), line(4, "two"));
  await until(tail, () => tail.rows.length === 3);
  peer.refuses = 1;
  (await peer.stream(0)).end({ code: "CONNECTION_CLOSED", message: "gone" });
  const gap = { kind: "gap", stream: "stdout", generation: 1, from: 0, to: 20 };
  (await peer.stream(1)).push(started, line(0, "one"), line(4, "two"), gap, line(20, "three"));
  await until(tail, () => tail.rows.length === 6);
  expect(list(tail.rows).slice(3)).toMatchObject([
    { kind: "break", same: true },
    { kind: "gap", from: 4, to: 20 },
    { plain: "three" },
  ]);
  peer.status = { generation: 1, startedAt: 900, changedAt: 901 };
  (await peer.stream(1)).end({ code: "CONNECTION_CLOSED", message: "gone" });
  (await peer.stream(2)).push(started, line(0, "anew"));
  await until(tail, () => tail.rows.length === 9);
  expect(list(tail.rows).slice(6)).toMatchObject([{ kind: "break", same: false }, started, { plain: "anew" }]);
  tail.close();
});

test("a failure that does not pass by itself stands until somebody asks again, and is no break of the log", async () => {
  const peer = new Peer();
  const tail = tailOf(peer);
  tail.open();
  const failed = new Promise<void>((resolve) => tail.failure.subscribe(resolve));
  (await peer.stream(0)).end({ code: "FORBIDDEN", message: "it needs the scope read", domain: "common" });
  await failed;
  expect(tail.failure.get()).toMatchObject({ code: "FORBIDDEN" });
  tail.retry();
  (await peer.stream(1)).push(line(0, "one"));
  await until(tail, () => tail.rows.length === 1);
  expect([tail.failure.get(), peer.opened.length, list(tail.rows)[0]?.kind]).toEqual([undefined, 2, "line"]);
  tail.close();
});

test("a log is bounded in rows and in bytes, and the view of it forgets with it", async () => {
  const peer = new Peer();
  const tail = tailOf(peer, { rows: 1_000, bytes: 1 << 20 });
  const view = new LogView();
  tail.open();
  const items = await peer.stream(0);
  for (let number = 0; number < 2_500; number += 1) items.push(line(number * 10, `line ${number}`));
  await until(tail, () => tail.first === 1_500);
  view.look(tail, { ...ALL, text: "99" });
  expect([view.rows.length, view.rows.at(0)?.number]).toEqual([1_000, 1_500]);
  const found = view.found.length;
  for (let number = 2_500; number < 2_600; number += 1) items.push(line(number * 10, `line ${number}`));
  await until(tail, () => tail.first === 1_600);
  view.look(tail, { ...ALL, text: "99" });
  expect([view.removed, view.rows.length, view.rows.at(0)?.number]).toEqual([100, 1_000, 1_600]);
  expect(view.found.length).toBe(found);
  items.push(line(1 << 20, "x".repeat(600_000)));
  await until(tail, () => tail.rows.length === 1);
  expect(tail.first).toBe(2_600);
  tail.close();
});

/** A log of rows that stand as they are. */
function standing(rows: object[]): { rows: Ring<LogRow>; first: number } {
  const ring = new Ring<LogRow>();
  rows.forEach((row, number) => ring.push({ plain: (row as { text?: string }).text ?? "", ...row, number } as unknown as LogRow));
  return { rows: ring, first: 0 };
}

test("a search finds in what is shown, leads around, and shows only its finds where that is wanted", () => {
  const log = standing([
    { kind: "started", generation: 1 },
    line(0, "GET /a.b"),
    line(0, "get /axb", "stderr"),
    line(9, "POST /a.b"),
  ]);
  const view = new LogView();
  view.look(log, { ...ALL, text: "A.B" });
  expect(list(view.found).map(({ number }) => number)).toEqual([1, 3]);
  expect(view.rows.length).toBe(4);
  expect(view.neighbour(undefined, "next")?.number).toBe(1);
  expect(view.neighbour(1, "next")?.number).toBe(3);
  expect(view.neighbour(3, "next")?.number).toBe(1);
  expect(view.neighbour(undefined, "previous")?.number).toBe(3);
  expect(view.neighbour(1, "previous")?.number).toBe(3);
  expect(view.neighbour(2, "previous")?.number).toBe(1);
  expect(view.placeAmongFound(3)).toBe(1);
  view.look(log, { stream: "stderr", text: "get", only: true });
  expect(list(view.rows).map(({ number }) => number)).toEqual([2]);
  view.look(log, { stream: "stderr", text: "", only: true });
  expect(list(view.rows).map(({ number }) => number)).toEqual([0, 2]);
  expect(view.neighbour(undefined, "next")).toBeUndefined();
});

test("colours become names, and what would move a cursor, set a title or ring a bell is left out", () => {
  expect(spans("\u001b[1;31mbad\u001b[0m then \u001b[92mgood\u001b[39m.")).toEqual([
    { text: "bad", look: "ansi-red ansi-bold" },
    { text: " then ", look: "" },
    { text: "good", look: "ansi-green" },
    { text: ".", look: "" },
  ]);
  expect(spans("\u001b[38;5;4mblue\u001b[38;2;1;2;3;3mitalic")).toEqual([
    { text: "blue", look: "ansi-blue" },
    { text: "italic", look: "ansi-blue ansi-italic" },
  ]);
  expect(plain("a\u001b[2Kb\u001b[1;5Hc\u001b]0;title\u0007d\u001b]8;;http://x\u001b\\e\u0007\u0000\tf\u001b")).toBe("abcde\tf");
  expect(plain("10 %\r\u001b[32m50 %\u001b[0m\r90 %\r")).toBe("90 %");
  expect(spans("10 %\r\u001b[32m50 %\u001b[0m")).toEqual([{ text: "50 %", look: "ansi-green" }]);
});

test("a text is the same with its colours and without, whatever bytes a program writes", () => {
  const pieces = ["a", "\u001b", "[", "3", "1", "m", ";", "\r", "]", "\u0007", "\\", "b", "\u009b", "é"];
  for (let seed = 1; seed <= 4_000; seed += 1) {
    let state = seed;
    const text = Array.from({ length: 1 + (seed % 13) }, () => {
      state = (state * 48_271) % 2_147_483_647;
      return pieces[state % pieces.length];
    }).join("");
    expect(spans(text).map((span) => span.text).join(""), JSON.stringify(text)).toBe(plain(text));
    expect(/[\u0000-\u0008\u001b\u0080-\u009f]/.test(plain(text)), JSON.stringify(text)).toBe(false);
  }
});

test("what is found is marked, also where its colour changes within", () => {
  const parts = [
    { text: "GET /he", look: "" },
    { text: "alth", look: "ansi-red" },
    { text: " /HEALTH", look: "" },
  ];
  const cut = marked(parts, patternOf("/health"));
  expect(cut.map(({ text, isFound }) => [text, isFound])).toEqual([
    ["GET ", false],
    ["/he", true],
    ["alth", true],
    [" ", false],
    ["/HEALTH", true],
  ]);
  expect(cut.map(({ text }) => text).join("")).toBe(parts.map(({ text }) => text).join(""));
});

test("a long line in which much is found costs as much as it is long", () => {
  const text = "a".repeat(64 << 10);
  const began = performance.now();
  expect(marked([{ text, look: "" }], patternOf("a"))).toHaveLength(text.length);
  expect(performance.now() - began).toBeLessThan(2_000);
  expect(beginning([{ text: "ab", look: "" }, { text, look: "x" }, { text, look: "" }], 5)).toEqual([
    { text: "ab", look: "" },
    { text: "aaa…", look: "x" },
  ]);
  expect(beginning([{ text: "ab", look: "" }], 2)).toEqual([{ text: "ab", look: "" }]);
});
