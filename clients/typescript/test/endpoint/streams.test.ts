/** Streams that this side consumes. */

import { from } from "rxjs";
import { describe, expect, test } from "vitest";
import { Item } from "../../src/index.js";
import { open, turns } from "../peer.js";
import { code, connected, controller, endless, two } from "./ends.js";

describe("streams", () => {
  test("end where `await using` ends, in engines that have it", async () => {
    const [peer, endpoint] = connected();
    const stream = endpoint.stream("s") as unknown as Record<symbol | string, () => Promise<void>>;
    const { cid } = await peer.expect({ method: "s" });
    const dispose = (Symbol as { asyncDispose?: symbol }).asyncDispose;
    await stream[dispose ?? "@@asyncDispose"]!();
    await peer.expect({ kind: "can", cid });
  });

  test("items come in order, with credit granted as they are consumed", async () => {
    const [near, far] = two({ window: 4, windowBytes: 0 });
    far.register("count", async function* (to: number) {
      for (let n = 1; n <= to; n++) yield n;
    });
    const seen: number[] = [];
    for await (const n of near.stream<number>("count", 100)) seen.push(n);
    expect(seen).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
    await turns();
    expect([open(near), open(far)]).toEqual([0, 0]);
  });

  test("leaving a loop cancels the stream and its source", async () => {
    const [near, far] = two();
    const { seen, source } = endless();
    const once = new Item("first");
    far.register("watch", () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => (seen.asked++ ? source.next() : Promise.resolve({ done: false, value: once })),
        return: () => source.return!(),
      }),
    }));
    for await (const value of near.stream("watch")) {
      expect(value).toBe("first");
      break;
    }
    await turns();
    expect(seen.returned).toBe(1);
    expect(open(far)).toBe(0);
  });

  test("return cancels at once while the next item is awaited", async () => {
    const [peer, endpoint] = connected();
    const stream = endpoint.stream("watch");
    const pending = stream.next();
    const { cid } = await peer.expect({ method: "watch", meta: { fc: { upto: 32 } } });
    expect(await stream.return()).toEqual({ done: true, value: undefined });
    expect(await pending).toEqual({ done: true, value: undefined });
    await peer.expect({ kind: "can", cid });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test("a signal fails the stream at once while the next item is awaited", async () => {
    const [peer, endpoint] = connected();
    const [abort, signal] = controller();
    const pending = code(endpoint.stream("watch", 0, {}, { signal }).next());
    await peer.expect({ method: "watch" });
    abort.abort();
    expect(await pending).toBe("CANCELLED");
    await peer.expect({ kind: "can" });
  });

  test("what was buffered comes before the failure", async () => {
    const [peer, endpoint] = connected();
    const stream = endpoint.stream("watch");
    const { cid } = await peer.expect({ method: "watch" });
    peer.send({ kind: "nxt", cid, seq: 1, fc: 1, data: "a" });
    peer.send({ kind: "err", cid, code: "E", message: "" });
    await turns();
    expect(await stream.next()).toEqual({ done: false, value: "a" });
    expect(await code(stream.next())).toBe("E");
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test("is an async generator, also to `throw`: it is cancelled, and what was thrown comes back", async () => {
    const [peer, endpoint] = connected();
    const generator: AsyncGenerator<unknown, void, unknown> = endpoint.stream("watch");
    const { cid } = await peer.expect({ method: "watch" });
    const pending = generator.next();
    await expect(generator.throw(new Error("enough"))).rejects.toThrow("enough");
    expect(await pending).toEqual({ done: true, value: undefined });
    await peer.expect({ kind: "can", cid });
  });

  test("several who await the next item get one each", async () => {
    const [peer, endpoint] = connected();
    const stream = endpoint.stream("watch");
    const pending = [stream.next(), stream.next(), stream.next()];
    const { cid } = await peer.expect({ method: "watch" });
    for (const data of ["a", "b"]) peer.send({ kind: "nxt", cid, data });
    peer.send({ kind: "end", cid });
    expect((await Promise.all(pending)).map(({ value }) => value as unknown)).toEqual(["a", "b", undefined]);
  });

  test("items() shows where an item stands, and folds a bare reset into the next", async () => {
    const [peer, endpoint] = connected({ windowBytes: 0 });
    const items = endpoint.stream("log").items();
    const { cid } = await peer.expect({ method: "log" });
    peer.send({ kind: "nxt", cid, seq: 1, fc: 1, pos: 7, epoch: "e", data: null, reset: true });
    peer.send({ kind: "nxt", cid, seq: 2, pos: 8, data: "a", skipped: 3 });
    const { value } = await items.next();
    expect(value).toMatchObject({ data: "a", pos: 8, skipped: 3, reset: true });
    await items.return!();
    await peer.expect({ kind: "can" });
  });

  test("the consumers of RxJS take a stream by from()", async () => {
    const [near, far] = two();
    far.register("count", async function* () {
      yield* [1, 2, 3];
    });
    const seen: unknown[] = [];
    await from(near.stream("count")).forEach((value) => void seen.push(value));
    expect(seen).toEqual([1, 2, 3]);
  });

  test("unsubscribing from from() cancels while the next item is awaited", async () => {
    const [peer, endpoint] = connected();
    const subscription = from(endpoint.stream("watch")).subscribe();
    const { cid } = await peer.expect({ method: "watch" });
    subscription.unsubscribe();
    await peer.expect({ kind: "can", cid });
  });

  test("a source that never pauses does not keep out what arrives", async () => {
    const [peer, endpoint] = connected();
    let isReturned = false;
    endpoint.register("flood", async function* () {
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        isReturned = true;
      }
    });
    peer.send({ kind: "req", cid: "p1", method: "flood" });
    await peer.expect({ kind: "nxt", cid: "p1", seq: 1, data: 0 });
    peer.send({ kind: "can", cid: "p1" });
    for (;;) {
      const frame = await peer.next();
      if (frame.kind === "err") break;
    }
    await turns();
    expect(isReturned).toBe(true);
  });
});
