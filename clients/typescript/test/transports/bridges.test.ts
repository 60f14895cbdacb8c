import { Channel, invoke } from "@tauri-apps/api/core";
import { describe, expect, test } from "vitest";

import { ElectronTransport } from "../../src/transports/electron.js";
import { ElectronInvokeTransport } from "../../src/transports/electron-invoke.js";
import { tauri, type TauriCore, type TauriMessage, TauriTransport } from "../../src/transports/tauri.js";
import { Listening, req, res } from "./listening.js";

describe("over electronBridge", () => {
  test("frames pass, and stop takes the listener away", async () => {
    const posted: unknown[] = [];
    const listeners = new Set<(frame: unknown) => void>();
    const transport = new ElectronTransport({
      start: (onFrame) => {
        listeners.add(onFrame);
        return () => listeners.delete(onFrame);
      },
      post: (frame) => posted.push(frame),
    });
    const listening = await Listening.to(transport);
    transport.post(req("a"));
    for (const listener of listeners) listener(res("a"));
    expect([posted, await listening.next()]).toEqual([[req("a")], res("a")]);
    transport.stop();
    expect(listeners.size).toBe(0);
    expect(() => transport.post(req("b"))).toThrow("closed");
  });

  test("a bridge of 0.2, which cannot stop, is not heard after stop", async () => {
    let listener: (frame: unknown) => void = () => undefined;
    const transport = new ElectronTransport({ start: (onFrame) => void (listener = onFrame), post: () => undefined });
    const listening = await Listening.to(transport);
    transport.stop();
    listener(res("a"));
    expect(listening.frames).toEqual([]);
  });

  test("a goodbye of the main process is a clean end", async () => {
    let listener: (frame: unknown) => void = () => undefined;
    const transport = new ElectronTransport({ start: (onFrame) => void (listener = onFrame), post: () => undefined });
    const listening = await Listening.to(transport);
    listener({ sixframe: "bye" });
    expect((await listening.closed).clean).toBe(true);
  });
});

describe("over existing functions", () => {
  const api = {
    ready: true,
    agent: {
      greeting: "hello",
      async chat({ text }: { text: string }) {
        return `${this.greeting} ${text}`;
      },
      list(...given: unknown[]) {
        return given.length;
      },
      async fail() {
        throw Object.assign(new Error("no such agent"), { code: "NOT_FOUND", domain: "agent", details: { id: 1 } });
      },
      break() {
        throw new TypeError("oops");
      },
    },
  };

  async function asked(method: string, payload?: unknown, options = {}) {
    const transport = new ElectronInvokeTransport(api, options);
    const listening = await Listening.to(transport);
    transport.post({ kind: "req", cid: "a", method, ...(payload === undefined ? {} : { payload }) });
    return listening.next();
  }

  test("requests become calls of the functions that methods name", async () => {
    expect(await asked("agent.chat", { text: "you" })).toEqual(res("a", "hello you"));
    expect(await asked("agent.list")).toEqual(res("a", 0));
    expect(await asked("rpc.ping", 7)).toEqual(res("a", 7));
  });

  test("methods may be mapped, or go to a general invoke", async () => {
    expect(await asked("x", 2, { methods: { x: (n: number) => n + 1 } })).toEqual(res("a", 3));
    const invoke = (method: string, payload: unknown) => [method, payload];
    expect(await asked("toString.call", 2, { invoke })).toEqual(res("a", ["toString.call", 2]));
  });

  test("what is no function of its own is not called", async () => {
    for (const method of ["nope", "agent", "agent.nope", "ready", "toString", "constructor.call", "agent.greeting.at"]) {
      expect(await asked(method)).toMatchObject({ kind: "err", code: "NO_HANDLER", details: { method } });
    }
  });

  test("failures keep their code where they have one", async () => {
    const known = { code: "NOT_FOUND", domain: "agent", message: "no such agent", details: { id: 1 } };
    expect(await asked("agent.fail")).toMatchObject({ kind: "err", ok: false, ...known });
    expect(await asked("agent.break")).toEqual({
      ...{ kind: "err", cid: "a", ok: false, code: "INTERNAL", domain: "common", message: "oops" },
    });
  });

  test("async iterables are streams, and a cancel ends them", async () => {
    let ended!: () => void;
    const over = new Promise<void>((resolve) => (ended = resolve));
    async function* count() {
      try {
        for (let n = 1; n <= 3; n += 1) yield n;
      } finally {
        ended();
      }
    }
    const transport = new ElectronInvokeTransport({ count, never: { forever } });
    const listening = await Listening.to(transport);
    transport.post(req("a", "count"));
    for (const seq of [1, 2, 3]) {
      expect(await listening.next()).toEqual({ kind: "nxt", cid: "a", seq, data: seq, method: "count" });
    }
    expect(await listening.next()).toEqual({ kind: "end", cid: "a" });
    await over;

    let returned!: () => void;
    const stopped = new Promise<void>((resolve) => (returned = resolve));
    function forever() {
      const iterator = {
        next: () => new Promise<never>(() => undefined),
        return: async () => {
          returned();
          return { done: true as const, value: undefined };
        },
        [Symbol.asyncIterator]: () => iterator,
      };
      return iterator;
    }
    transport.post(req("b", "never.forever"));
    // The function has been called when a ping that was sent later is answered.
    transport.post(req("c"));
    expect(await listening.next()).toEqual(res("c"));
    transport.post({ kind: "can", cid: "b" });
    expect(await listening.next()).toMatchObject({ kind: "err", cid: "b", code: "CANCELLED" });
    await stopped;
  });

  test("what a function gives to a call that was cancelled meanwhile is let go", async () => {
    let give!: (items: unknown) => void;
    let returned = 0;
    const items = {
      next: () => new Promise(() => undefined),
      return: async () => ({ done: true, value: (returned += 1) }),
      [Symbol.asyncIterator]: () => items,
    };
    const source = { subscribe: () => ({ unsubscribe: () => (returned += 10) }) };
    for (const late of [items, source]) {
      const transport = new ElectronInvokeTransport({ slow: () => new Promise((resolve) => (give = resolve)) });
      const listening = await Listening.to(transport);
      transport.post(req("a", "slow"));
      transport.post({ kind: "can", cid: "a" });
      expect(await listening.next()).toMatchObject({ code: "CANCELLED" });
      give(late);
      await new Promise(setImmediate);
      expect(listening.frames.length).toBe(1);
    }
    expect(returned).toBe(1);
  });

  test("observables are streams, and stop unsubscribes from them", async () => {
    let observer!: { next(value: unknown): void; complete(): void };
    let unsubscribed = 0;
    const source = {
      subscribe: (given: typeof observer) => {
        observer = given;
        return { unsubscribe: () => (unsubscribed += 1) };
      },
    };
    const done = { subscribe: (given: typeof observer) => (given.next(1), given.complete(), { unsubscribe() {} }) };
    const transport = new ElectronInvokeTransport({ watch: () => source, once: () => done });
    const listening = await Listening.to(transport);
    transport.post(req("a", "once"));
    expect(await listening.next()).toMatchObject({ kind: "nxt", data: 1 });
    expect(await listening.next()).toEqual({ kind: "end", cid: "a" });
    transport.post(req("b", "watch"));
    transport.post(req("c"));
    expect(await listening.next()).toEqual(res("c"));
    observer.next("x");
    expect(await listening.next()).toMatchObject({ kind: "nxt", cid: "b", seq: 1, data: "x" });
    transport.stop();
    expect(unsubscribed).toBe(1);
  });
});

describe("over Tauri", () => {
  test("Tauri's own functions are what the transport takes", () => {
    const core: TauriCore = { invoke, Channel };
    expect(() => new TauriTransport({ core })).not.toThrow();
  });

  class FakeChannel {
    onmessage: (message: never) => void = () => undefined;
  }

  /** A Rust side that answers every frame, and takes its time. */
  class FakeTauri {
    readonly commands: unknown[] = [];
    readonly Channel = FakeChannel;
    channel: FakeChannel | undefined;
    release: (() => void)[] = [];
    refuses = false;

    invoke = async <T>(command: string, args: Record<string, unknown> = {}): Promise<T> => {
      const { channel, ...rest } = args;
      if (channel instanceof FakeChannel) this.channel = channel;
      this.commands.push([command, rest]);
      if (command.endsWith("sixframe_open")) return 4 as T;
      if (this.refuses) throw "no connection 4";
      if (command.endsWith("sixframe_post")) await new Promise<void>((resolve) => this.release.push(resolve));
      return null as T;
    };

    say(message: TauriMessage): void {
      this.channel?.onmessage(message as never);
    }
  }

  test("frames that gather while one command runs go together in the next, in order", async () => {
    const core = new FakeTauri();
    const transport = await tauri({ core })();
    await Listening.to(transport);
    transport.post(req("a"));
    transport.post(req("b"));
    expect(transport.buffered).toBe(JSON.stringify(req("a")).length * 2);
    await expect.poll(() => core.release.length).toBe(1);
    transport.post(req("c"));
    transport.post(req("d"));
    core.release[0]?.();
    await expect.poll(() => core.release.length).toBe(2);
    core.release[1]?.();
    await expect.poll(() => transport.buffered).toBe(0);
    const frames = (...cids: string[]) => cids.map((cid) => JSON.stringify(req(cid)));
    expect(core.commands).toEqual([
      ["plugin:sixframe|sixframe_open", {}],
      ["plugin:sixframe|sixframe_post", { connection: 4, frames: frames("a", "b") }],
      ["plugin:sixframe|sixframe_post", { connection: 4, frames: frames("c", "d") }],
    ]);
  });

  test("frames come alone or several at once, and then the end", async () => {
    const core = new FakeTauri();
    const listening = await Listening.to(await tauri({ core, prefix: "" })());
    core.say(JSON.stringify(res("a")));
    core.say([JSON.stringify(res("b")), JSON.stringify(res("c"))]);
    for (const cid of ["a", "b", "c"]) expect(await listening.next()).toEqual(res(cid));
    core.say({ closed: { clean: true, reason: "bye" } });
    expect(await listening.closed).toEqual({ clean: true, reason: "bye" });
    expect(core.commands).toEqual([["sixframe_open", {}]]);
  });

  test("what was posted before stop is sent before the close", async () => {
    const core = new FakeTauri();
    const transport = await tauri({ core, prefix: "" })();
    await Listening.to(transport);
    transport.post(req("a"));
    transport.stop();
    await expect.poll(() => core.release.length).toBe(1);
    core.release[0]?.();
    await expect.poll(() => core.commands.length).toBe(3);
    expect(core.commands[2]).toEqual(["sixframe_close", { connection: 4 }]);
  });

  test("stop closes at once where nothing is being sent", async () => {
    const core = new FakeTauri();
    const transport = await tauri({ core, prefix: "" })();
    await Listening.to(transport);
    transport.stop();
    expect(core.commands).toEqual([
      ["sixframe_open", {}],
      ["sixframe_close", { connection: 4 }],
    ]);
  });

  test("a command that fails ends the connection", async () => {
    const core = new FakeTauri();
    const transport = await tauri({ core })();
    const listening = await Listening.to(transport);
    core.refuses = true;
    transport.post(req("a"));
    expect(await listening.closed).toEqual({ clean: false, reason: "the Rust side took no frame: no connection 4" });
    expect(() => transport.post(req("b"))).toThrow("not open");
  });
});
