import { RpcEndpoint, RpcError } from "sixframe";
import { decode } from "sixframe/codec";
import { expect, test, vi } from "vitest";

import type { AgentEnvelope } from "../../src/api.js";
import type { ItemEntry } from "../../src/chat/entry.js";
import { SessionFeed } from "../../src/chat/session-feed.js";
import { SessionFold } from "../../src/chat/session-fold.js";
import { wholeItem } from "../../src/chat/whole-item.js";
import { failureOf, passes, type Failure } from "../../src/methods/run.js";
import type { Environment } from "../../src/shell/environment.js";
import { Log } from "./events.js";

/** A daemon that streams what the test says, and fails when it says so. */
class Peer {
  readonly asked: unknown[] = [];
  readonly streams: { push: (...items: (AgentEnvelope | null)[]) => void; end: (error?: unknown) => void }[] = [];
  readonly link = {
    stream: (_: string, payload: unknown) => {
      this.asked.push(payload);
      const queue: (AgentEnvelope | null)[] = [];
      let wake: (() => void) | undefined;
      let over: { error?: unknown } | undefined;
      const push = (...items: (AgentEnvelope | null)[]): void => void (queue.push(...items), wake?.());
      const end = (error?: unknown): void => void ((over = error === undefined ? {} : { error }), wake?.());
      this.streams.push({ push, end });
      return {
        async next() {
          while (queue.length === 0 && !over) await new Promise<void>((resolve) => (wake = resolve));
          if (queue.length > 0) return { done: false, value: queue.shift() };
          if (over?.error !== undefined) throw over.error;
          return { done: true, value: undefined };
        },
        return: async () => (end(), { done: true, value: undefined }),
        [Symbol.asyncIterator]() {
          return this;
        },
      };
    },
  } as unknown as Environment["link"];
}

const atOnce = (run: () => void): void => run();

test("it goes on behind the last event that it has, after a break of the connection", async () => {
  const peer = new Peer();
  const log = new Log().created().turn("turn_1", "hello");
  const feed = new SessionFeed(peer.link, "ses_1", { soon: atOnce });
  feed.open();
  peer.streams[0]?.push(...log.envelopes.slice(0, 2));
  await vi.waitFor(() => expect(feed.fold.seq).toBe(2));
  peer.streams[0]?.end(new RpcError("CONNECTION_CLOSED", "gone"));
  await vi.waitFor(() => expect(peer.streams.length).toBe(2));
  expect(peer.asked[1]).toEqual({ sessions: ["ses_1"], since: { epoch: "log_1", position: 2 } });
  peer.streams[1]?.push(...log.envelopes.slice(2));
  await vi.waitFor(() => expect(feed.fold.seq).toBe(4));
  expect(feed.failure.get()).toBeUndefined();
  feed.close();
});

test("events that are missing are asked for again, and a reset begins anew", async () => {
  const peer = new Peer();
  const log = new Log().created().turn("turn_1", "hello");
  const feed = new SessionFeed(peer.link, "ses_1", { soon: atOnce });
  feed.open();
  peer.streams[0]?.push(log.envelopes[0] as AgentEnvelope, log.envelopes[3] as AgentEnvelope);
  await vi.waitFor(() => expect(peer.streams.length).toBe(2));
  expect(peer.asked[1]).toEqual({ sessions: ["ses_1"], since: { epoch: "log_1", position: 1 } });
  peer.streams[1]?.push(null, ...new Log("ses_1", "log_2").created().envelopes);
  await vi.waitFor(() => expect(feed.fold.epoch).toBe("log_2"));
  expect(feed.fold.size).toBe(1);
  feed.close();
});

test("what fails for good is said and not tried again, and a session that was closed is read to its end", async () => {
  const peer = new Peer();
  const lost = new SessionFeed(peer.link, "ses_0", { soon: atOnce });
  lost.open();
  peer.streams[0]?.end(new RpcError("NOT_FOUND", "there is no session ses_0"));
  await vi.waitFor(() => expect(lost.failure.get()?.code).toBe("NOT_FOUND"));
  const log = new Log().created();
  log.push("session.closed", { reason: "closed" });
  const closed = new SessionFeed(peer.link, "ses_1", { soon: atOnce });
  closed.open();
  peer.streams[1]?.push(...log.envelopes);
  peer.streams[1]?.end();
  await vi.waitFor(() => expect(closed.isOpen).toBe(false));
  expect(peer.streams.length).toBe(2);
  lost.close();
});

test("however many events come in a frame, listeners are told once", async () => {
  const peer = new Peer();
  const log = new Log().created().turn("turn_1", "hello");
  for (let at = 0; at < 500; at += 1) log.grew("a", "text", "x");
  const waiting: (() => void)[] = [];
  const feed = new SessionFeed(peer.link, "ses_1", { soon: (run) => void waiting.push(run) });
  const told = vi.fn();
  feed.subscribe(told);
  feed.open();
  peer.streams[0]?.push(...log.envelopes);
  await vi.waitFor(() => expect(feed.fold.seq).toBe(504));
  expect([waiting.length, told.mock.calls.length]).toEqual([1, 0]);
  waiting.forEach((run) => run());
  expect(told.mock.calls.length).toBe(1);
  feed.close();
});

test("all of an item is read from the log, of which only the end is kept, while it grows and when it is done", async () => {
  const log = new Log().created().turn("turn_1", "run");
  for (let at = 0; at < 100; at += 1) log.grew("t", "tool_output", `${at} ${"x".repeat(1_000)}\n`);
  const read = async (): Promise<string | undefined> => {
    const peer = new Peer();
    const fold = new SessionFold("ses_1");
    for (const envelope of log.envelopes) fold.take(envelope);
    const entry = fold.entry("item:t") as ItemEntry;
    expect(entry.tool?.output.cut).toBeGreaterThan(0);
    const whole = wholeItem(peer.link, "ses_1", entry);
    peer.streams[0]?.push(...log.envelopes);
    return (await whole)?.tool?.output.text;
  };
  const all = Array.from({ length: 100 }, (_, at) => `${at} ${"x".repeat(1_000)}\n`).join("");
  expect(await read()).toBe(all);
  log.item("t", { kind: "tool_call", status: "completed" });
  expect(await read()).toBe(all);
  log.end("turn_1");
  expect(await read()).toBe(all);
});

test("events that are missing once more, or are too large for a message, are a failure that is said, and are asked for when it is wanted", async () => {
  const peer = new Peer();
  const log = new Log().created().turn("turn_1", "hello");
  const feed = new SessionFeed(peer.link, "ses_1", { soon: atOnce });
  feed.open();
  peer.streams[0]?.push(log.envelopes[0] as AgentEnvelope, log.envelopes[2] as AgentEnvelope);
  await vi.waitFor(() => expect(peer.streams.length).toBe(2));
  peer.streams[1]?.push(log.envelopes[2] as AgentEnvelope);
  await vi.waitFor(() => expect(feed.failure.get()?.message).toContain("the event 2 of the session is missing"));
  expect(passes(feed.failure.get() as Failure)).toBe(false);
  feed.retry();
  expect(peer.streams.length).toBe(3);
  peer.streams[2]?.end(new RpcError("RESOURCE_EXHAUSTED", "nested too deeply", { limit: "depth" }));
  await vi.waitFor(() => expect(feed.failure.get()?.message).toBe("nested too deeply"));
  expect(passes(feed.failure.get() as Failure)).toBe(false);
  feed.retry();
  peer.streams[3]?.push(...log.envelopes.slice(1));
  await vi.waitFor(() => expect(feed.fold.seq).toBe(4));
  expect(feed.failure.get()).toBeUndefined();
  feed.close();
});

test("a busy daemon passes, and a message that is too large for one does not", async () => {
  const failure = (limit: string): Failure => ({ code: "RESOURCE_EXHAUSTED", message: "", domain: "rpc", details: { limit } });
  expect(["streams", "message bytes to the peer"].map((limit) => passes(failure(limit)))).toEqual([true, false]);
  const deep = Array.from({ length: 70 }).reduce((inner) => [inner], 0);
  for (const payload of [deep, "x".repeat(2_000)]) {
    let give: (text: string) => void;
    const transport = {
      decode,
      start: (onFrame: typeof give) => void (give = onFrame),
      post: ({ cid }: { cid: string }) => queueMicrotask(() => give(JSON.stringify({ kind: "res", cid, payload }))),
      stop: () => undefined,
    };
    const endpoint = new RpcEndpoint(transport as never, { limits: { message_bytes: 1_000 } });
    endpoint.start();
    const refused = await endpoint.request("x").catch(failureOf);
    expect(refused).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
    expect(passes(refused as Failure)).toBe(false);
    endpoint.stop();
  }
});
