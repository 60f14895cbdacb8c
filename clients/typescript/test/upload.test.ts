/** Uploads and duplexes on endpoints. */

import { describe, expect, test } from "vitest";
import { type EndpointOptions, RpcEndpoint, RpcError } from "../src/index.js";
import { memory } from "../src/transports/memory.js";
import { duplex, upload, uploads } from "../src/upload.js";
import { Peer, turns } from "./peer.js";

function two(options: EndpointOptions = {}): [RpcEndpoint, RpcEndpoint] {
  const [near, far] = memory({ text: true });
  const ends = [new RpcEndpoint(near), new RpcEndpoint(far, { use: [uploads], window: 4, windowBytes: 0, ...options })] as const;
  for (const end of ends) end.start();
  return [...ends];
}

const code = (promise: Promise<unknown>) => promise.then(() => "no error", (error: RpcError) => error.code);

describe("uploads", () => {
  test("every item reaches the handler, within its credit", async () => {
    const [near, far] = two();
    far.register(
      "sum",
      async (_, cx) => {
        let sum = 0;
        for await (const n of cx.uploads) sum += n as number;
        return sum;
      },
      { uploads: true },
    );
    const numbers = Array.from({ length: 100 }, (_, n) => n);
    expect(await upload(near, "sum", numbers)).toBe(4950);
    await turns();
    expect([near._session._size, far._session._size, near._session._bytes]).toEqual([0, 0, 0]);
  });

  test("a method that takes no items refuses them", async () => {
    const [near, far] = two();
    far.register("m", () => 1);
    expect(await code(upload(near, "m", [1]))).toBe("UNSUPPORTED");
  });

  test("a peer that does not know uploads is UNSUPPORTED", async () => {
    const [peer, transport] = Peer.pair();
    const endpoint = new RpcEndpoint(transport);
    endpoint.start();
    const answer = code(upload(endpoint, "m", [1]));
    const { cid } = await peer.expect({ method: "m", meta: { up: {} } });
    peer.send({ kind: "res", cid, ok: true });
    expect(await answer).toBe("UNSUPPORTED");
    await peer.expect({ kind: "can", cid });
  });

  test("an answer that comes early ends the source", async () => {
    const [near, far] = two();
    far.register(
      "first",
      async (_, cx) => {
        for await (const item of cx.uploads) return item;
        return undefined;
      },
      { uploads: true },
    );
    let isReturned = false;
    async function* source() {
      try {
        for (let n = 1; ; n++) yield n;
      } finally {
        isReturned = true;
      }
    }
    expect(await upload(near, "first", source())).toBe(1);
    await turns();
    expect(isReturned).toBe(true);
  });

  test("a source that fails cancels the call", async () => {
    const [near, far] = two();
    const stopped = new Promise((resolve) => {
      far.register(
        "m",
        async (_, cx) => {
          try {
            for await (const _ of cx.uploads);
          } catch (error) {
            resolve((error as RpcError).code);
          }
        },
        { uploads: true },
      );
    });
    const failure = new Error("disk");
    async function* source() {
      yield 1;
      throw failure;
    }
    await expect(upload(near, "m", source())).rejects.toMatchObject({ code: "CANCELLED", cause: failure });
    expect(await stopped).toBe("CANCELLED");
  });

  test("a duplex carries items both ways at once", async () => {
    const [near, far] = two();
    far.register(
      "double",
      async function* (_, cx) {
        for await (const n of cx.uploads) yield (n as number) * 2;
      },
      { uploads: true },
    );
    const seen: unknown[] = [];
    for await (const n of duplex(near, "double", [1, 2, 3, 4, 5, 6, 7, 8, 9])) seen.push(n);
    expect(seen).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18]);
  });

  test("leaving a duplex ends its source", async () => {
    const [near, far] = two();
    far.register(
      "echo",
      async function* (_, cx) {
        yield* cx.uploads;
      },
      { uploads: true },
    );
    let isReturned = false;
    async function* source() {
      try {
        for (;;) yield 1;
      } finally {
        isReturned = true;
      }
    }
    for await (const _ of duplex(near, "echo", source())) break;
    await turns();
    expect(isReturned).toBe(true);
    expect([near._session._size, far._session._size]).toEqual([0, 0]);
  });
});
