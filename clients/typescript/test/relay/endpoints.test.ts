import { expect, test, vi } from "vitest";

import { type Context, Item, RpcEndpoint, RpcError, type Transport } from "../../src/index.js";
import { Relay, type WindowHandle } from "../../src/relay.js";
import { type MemoryTransport, memory } from "../../src/transports/memory.js";
import { upload, uploads } from "../../src/upload.js";

// Chance takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

/** A backend that comes back after every break, behind a relay. */
class Backend {
  readonly relay: Relay;
  readonly running = new Set<string>();
  endpoint!: RpcEndpoint;
  #cable!: MemoryTransport;
  connections = 0;

  constructor() {
    this.relay = new Relay(() => this.#connect(), { backoff: { first: 0, longest: 0 } });
  }

  /** Breaks the upstream. */
  cut(): void {
    this.#cable.cut();
  }

  #connect(): Transport {
    const [near, far] = memory({ text: true });
    this.connections += 1;
    this.#cable = near;
    this.endpoint = new RpcEndpoint(far, { use: [uploads], onWarning: () => undefined });
    this.endpoint.register("whoami", (claimed, { senderId, meta }) => [senderId, meta.doc, claimed]);
    this.endpoint.register("add", (n: number) => n + 1);
    this.endpoint.register("fail", () => {
      throw new RpcError("TEAPOT", "short and stout", { n: 1 }, "kitchen");
    });
    this.endpoint.register("count", (upto: number, context) => this.#count(upto, context));
    this.endpoint.register("hang", (name: string, context) => this.#hang(name, context));
    this.endpoint.register("ask", (_payload, { peer }) => peer.request("where", undefined, { to: { senderId: 1 } }));
    this.endpoint.register("sum", sum, { uploads: true });
    this.endpoint.start();
    return near;
  }

  async *#count(upto: number, { resume }: Context): AsyncGenerator<Item<number>> {
    for (let n = (resume?.after ?? 0) + 1; n <= upto; n += 1) yield new Item(n, { pos: n, epoch: "naturals" });
  }

  async #hang(name: string, { signal }: Context): Promise<never> {
    this.running.add(name);
    return new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => {
        this.running.delete(name);
        reject(new Error("stopped"));
      });
    });
  }
}

async function sum(_payload: unknown, { uploads: items }: Context): Promise<number> {
  let total = 0;
  for await (const item of items) total += item as number;
  return total;
}

function window(relay: Relay, senderId: number): { endpoint: RpcEndpoint; handle: WindowHandle } {
  const [near, far] = memory();
  const handle = relay.attach(far, { senderId, doc: `${senderId}.1` });
  const endpoint = new RpcEndpoint(near, { use: [uploads], onWarning: () => undefined });
  endpoint.register("where", () => senderId);
  endpoint.start();
  return { endpoint, handle };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) taken.push(item);
  return taken;
}

const naturals = (upto: number) => Array.from({ length: upto }, (_, n) => n + 1);

test("every shape of call passes", async () => {
  const { relay } = new Backend();
  const { endpoint } = window(relay, 1);
  expect(await endpoint.request("add", 1)).toBe(2);
  expect(await all(endpoint.stream("count", 2_000))).toEqual(naturals(2_000));
  await expect(endpoint.request("fail")).rejects.toMatchObject({ code: "TEAPOT", domain: "kitchen", details: { n: 1 } });
  await expect(endpoint.request("nope")).rejects.toMatchObject({ code: "NO_HANDLER", details: { method: "nope" } });
  expect(await upload(endpoint, "sum", naturals(500))).toBe(125_250);
  expect(relay.load).toMatchObject({ calls: 0, queuedBytes: 0 });
  relay.close();
});

test("a handler sees the stamp and not the claim", async () => {
  const { relay } = new Backend();
  const { endpoint } = window(relay, 7);
  const claim = { senderId: 1, doc: "1.1" };
  expect(await endpoint.request("whoami", claim, claim)).toEqual([7, "7.1", claim]);
  relay.close();
});

test("a call that is cancelled is stopped at the backend too, and so is that of a window that goes", async () => {
  const backend = new Backend();
  const [one, two] = [window(backend.relay, 1), window(backend.relay, 2)];
  const abort = new AbortController();
  const cancelled = one.endpoint.request("hang", "cancelled", undefined, { signal: abort.signal });
  const closed = two.endpoint.request("hang", "closed");
  await expect.poll(() => backend.running.size).toBe(2);
  abort.abort();
  await expect(cancelled).rejects.toMatchObject({ code: "CANCELLED" });
  await expect.poll(() => [...backend.running]).toEqual(["closed"]);
  two.handle.close();
  await expect(closed).rejects.toMatchObject({ code: "INDETERMINATE" });
  await expect.poll(() => backend.running.size).toBe(0);
  backend.relay.close();
});

test("the backend calls back into the window that it names", async () => {
  const { relay } = new Backend();
  window(relay, 1);
  expect(await window(relay, 2).endpoint.request("ask")).toBe(1);
  relay.close();
});

// proves: relay.7, resume.3
test("a stream goes on without a loss over the next upstream, whose calls are settled", async () => {
  const backend = new Backend();
  const { endpoint } = window(backend.relay, 1);
  const stream = endpoint.stream<number>("count", 5_000);
  const items = [(await stream.next()).value];
  const unary = endpoint.request("hang", "x");
  await expect.poll(() => backend.running.size).toBe(1);
  backend.cut();
  await expect(unary).rejects.toMatchObject({ code: "INDETERMINATE" });
  items.push(...(await all(stream)));
  expect(items).toEqual(naturals(5_000));
  expect(backend.connections).toBe(2);
  backend.relay.close();
});

/** A generator of the same numbers for the same seed. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("under breaks, cancels and windows that go, every call settles once and nothing is left", async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const random = seeded(seed);
    const backend = new Backend();
    const windows = naturals(4).map((id) => window(backend.relay, id));
    const settled: Promise<unknown>[] = [];
    const keep = (call: Promise<unknown>) => {
      // It is looked at in the end; until then nobody need be told that it failed.
      call.catch(() => undefined);
      settled.push(call);
    };
    for (let step = 0; step < 120; step += 1) {
      const { endpoint, handle } = windows[random(windows.length)] as (typeof windows)[number];
      const abort = new AbortController();
      switch (random(8)) {
        case 0:
          keep(endpoint.request("hang", `${seed}.${step}`, undefined, { signal: abort.signal, timeoutMs: 1 + random(20) }));
          break;
        case 1:
        case 2:
          keep(endpoint.request("add", step).then((sum) => expect(sum).toBe(step + 1)));
          break;
        case 3:
        case 4: {
          const upto = random(300);
          keep(all(endpoint.stream<number>("count", upto)).then((items) => expect(items).toEqual(naturals(upto))));
          break;
        }
        case 5:
          keep(endpoint.request("hang", `${seed}.${step}`, undefined, { signal: abort.signal }));
          await new Promise(setImmediate);
          abort.abort();
          break;
        case 6:
          if (random(6) === 0) handle.close();
          break;
        case 7:
          if (random(4) === 0) backend.cut();
          await new Promise(setImmediate);
          break;
      }
    }
    const outcomes = await Promise.allSettled(settled);
    const allowed = ["CANCELLED", "CONNECTION_CLOSED", "INDETERMINATE", "RPC_TIMEOUT"];
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(allowed, String(outcome.reason)).toContain(outcome.reason.code);
    }
    await expect.poll(() => [backend.running.size, backend.relay.load.calls, backend.relay.load.queuedBytes]).toEqual([0, 0, 0]);
    backend.relay.close();
  }
});
