/** What the compiler knows of a peer's methods. */

import { describe, expect, expectTypeOf, test } from "vitest";
import { method, type RpcClient, RpcEndpoint, type RpcError, type RpcStream, streamMethod, typed } from "../src/index.js";
import { memory } from "../src/transports/memory.js";
import { Peer } from "./peer.js";

interface Methods {
  "hub.commit": { kind: "unary"; params: { ops: string[] }; result: { revision: number } };
  "hub.watch": { kind: "stream"; params: { session?: string } | null; item: { value: number } };
  "rpc.ping": { kind: "unary"; params: undefined; result: null };
}

function two(): RpcEndpoint {
  const [near, far] = memory();
  const ends = [new RpcEndpoint(near), new RpcEndpoint(far)] as const;
  ends[1].register("hub.commit", ({ ops }: { ops: string[] }) => ({ revision: ops.length }));
  ends[1].register("hub.watch", async function* () {
    yield { value: 7 };
  });
  for (const end of ends) end.start();
  return ends[0];
}

describe("a typed endpoint", () => {
  test("knows what methods take and give", async () => {
    const hub = typed<Methods>(two());
    const answer = hub.request("hub.commit", { ops: ["a"] });
    expectTypeOf(answer).toEqualTypeOf<Promise<{ revision: number }>>();
    expect(await answer).toEqual({ revision: 1 });
    const stream = hub.stream("hub.watch");
    expectTypeOf(stream).toEqualTypeOf<RpcStream<{ value: number }>>();
    for await (const { value } of stream) expect(value).toBe(7);
    expect(await hub.request("rpc.ping")).toBeNull();
    // @ts-expect-error a stream is no request
    void (() => hub.request("hub.watch"));
    // @ts-expect-error the payload is another
    void (() => hub.request("hub.commit", { ops: [1] }));
    // @ts-expect-error there must be a payload
    void (() => hub.request("hub.commit"));
  });

  test("calls methods as they are meant to be called", async () => {
    const [peer, transport] = Peer.pair();
    const endpoint = new RpcEndpoint(transport);
    endpoint.start();
    const methods = { "rpc.ping": { idempotent: true, resumable: false }, "hub.commit": { idempotent: false } };
    const hub = typed<Methods>(endpoint, methods);
    const calls = [hub.request("rpc.ping"), hub.request("hub.commit", { ops: [] }, {}, 5000)];
    const codes = calls.map((call) => call.catch((error: RpcError) => error.code));
    await peer.next();
    const { meta } = await peer.expect({ method: "hub.commit" });
    const { timeoutMs } = meta as { timeoutMs: number };
    expect(timeoutMs > 4_000 && timeoutMs <= 5_000).toBe(true);
    endpoint.stop();
    expect(await Promise.all(codes)).toEqual(["CONNECTION_CLOSED", "INDETERMINATE"]);
  });

  test("a client of version 0.2 keeps its types: payloads are named, streams are generators", async () => {
    const client: RpcClient = two();
    const answer = client.request<{ revision: number }, { ops: string[] }>("hub.commit", { ops: ["a"] });
    expectTypeOf(answer).toEqualTypeOf<Promise<{ revision: number }>>();
    expect(await answer).toEqual({ revision: 1 });
    // @ts-expect-error the payload is another
    void (() => client.request<{ revision: number }, { ops: string[] }>("hub.commit", { ops: [1] }));
    const items: AsyncGenerator<{ value: number }> = client.stream!<{ value: number }, null>("hub.watch", null);
    expect(await items.next()).toEqual({ done: false, value: { value: 7 } });
    await items.return(undefined);
  });

  test("descriptors stand in where no types are generated", async () => {
    const commit = method<{ ops: string[] }, { revision: number }>("hub.commit", { idempotent: true });
    const watch = streamMethod<null, { value: number }>("hub.watch");
    const endpoint = two();
    expectTypeOf(commit(endpoint, { ops: [] })).toEqualTypeOf<Promise<{ revision: number }>>();
    expect(await watch(endpoint, null).next()).toEqual({ done: false, value: { value: 7 } });
  });
});
