import "reflect-metadata";

import { Controller, type INestMicroservice, Injectable, Module, UseGuards, UseInterceptors } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from "@nestjs/microservices";
import { BehaviorSubject, concat, EMPTY, finalize, map, NEVER, Observable, of, throwError } from "rxjs";
import { afterEach, expect, test } from "vitest";

import type { Context } from "../src/context.js";
import { RpcEndpoint, RpcError, type Transport } from "../src/index.js";
import { CodedErrorFilter, ElectronStrategy, SixframeStrategy, type SixframeStrategyOptions } from "../src/nest.js";
import { memory } from "../src/transports/memory.js";
import { electron as overBridge } from "../src/transports/electron.js";
import { FakeElectron } from "./electron/fake.js";

const hub$ = new BehaviorSubject({ defaultModel: "small", temperature: 0.7 });
const unsubscribed: string[] = [];

class Handlers {
  getSnapshot() {
    return hub$.value;
  }
  watchGlobal() {
    return hub$.pipe(finalize(() => unsubscribed.push("watchGlobal")));
  }
  async updateGlobal(patch: object) {
    hub$.next({ ...hub$.value, ...patch });
    return { ok: true };
  }
  async *streamChat(words: string[], { signal }: Context) {
    const over = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    try {
      yield* words;
      await over;
    } finally {
      unsubscribed.push("streamChat");
    }
  }
  count(upto: number) {
    return new Observable<number>((observer) => {
      for (let n = 1; n <= upto; n += 1) observer.next(n);
      observer.complete();
    });
  }
  whoami(_payload: unknown, { senderId, meta }: Context) {
    return [senderId, meta.doc];
  }
  async askBack(_payload: unknown, { peer }: Context) {
    return peer.request("ui.confirm", "sure?");
  }
  nothing() {
    return undefined;
  }
  empty() {
    return EMPTY;
  }
  never() {
    return NEVER.pipe(finalize(() => unsubscribed.push("never")));
  }
  breaks() {
    return concat(
      of(1),
      throwError(() => new RpcError("BOOM", "in the middle", { at: 1 }, "ai")),
    );
  }
  coded(): never {
    throw Object.assign(new Error("no such agent"), { code: "NOT_FOUND", domain: "agent", details: { id: 7 } });
  }
  rpcException(): never {
    throw new RpcException({ code: "FULL", domain: "queue", message: "no room" });
  }
  plainException(): never {
    throw new RpcException("said plainly");
  }
  unknown(): never {
    throw new TypeError("a secret path");
  }
  intercepted() {
    return "plain";
  }
  async *interceptedStream() {
    yield 1;
    yield 2;
  }
  guarded() {
    return "in";
  }
}

class Doubling {
  intercept(_context: unknown, next: { handle(): Observable<unknown> }) {
    return next.handle().pipe(map((value) => (typeof value === "string" ? value + value : value)));
  }
}
Injectable()(Doubling);

class Closed {
  canActivate() {
    return false;
  }
}
Injectable()(Closed);

/** Decorators, applied by hand: only they need a compiler. */
function on(decorator: MethodDecorator, name: keyof Handlers): void {
  decorator(Handlers.prototype, name, Object.getOwnPropertyDescriptor(Handlers.prototype, name) as PropertyDescriptor);
}

Controller()(Handlers);
for (const name of Object.getOwnPropertyNames(Handlers.prototype) as (keyof Handlers | "constructor")[]) {
  if (name === "constructor") continue;
  const method = name === "streamChat" ? "ai.streamChat" : `hub.${name}`;
  on(["whoami", "count", "coded"].includes(name) ? MessagePattern(method) : EventPattern(method), name);
}
for (const name of ["streamChat", "whoami", "askBack"] as const) {
  Payload()(Handlers.prototype, name, 0);
  Ctx()(Handlers.prototype, name, 1);
}
on(UseInterceptors(Doubling), "intercepted");
on(UseInterceptors(Doubling), "interceptedStream");
on(UseGuards(Closed), "guarded");

class App {}
Module({ controllers: [Handlers] })(App);

const running: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.close();
  unsubscribed.length = 0;
});

async function started(strategy: SixframeStrategy): Promise<INestMicroservice> {
  const app = await NestFactory.createMicroservice(App, { strategy, logger: false });
  app.useGlobalFilters(new CodedErrorFilter());
  running.push(app);
  await app.listen();
  return app;
}

async function client(options?: SixframeStrategyOptions): Promise<RpcEndpoint> {
  const [near, far] = memory();
  await started(new SixframeStrategy(far, options));
  return connected(near);
}

function connected(transport: Transport): RpcEndpoint {
  const endpoint = new RpcEndpoint(transport);
  endpoint.start();
  running.push({ close: () => endpoint.stop() });
  return endpoint;
}

async function all(items: AsyncIterable<unknown>): Promise<unknown[]> {
  const taken: unknown[] = [];
  for await (const item of items) taken.push(item);
  return taken;
}

test("values and promises are answers", async () => {
  const rpc = await client();
  expect(await rpc.request("hub.getSnapshot")).toEqual({ defaultModel: "small", temperature: 0.7 });
  expect(await rpc.request("hub.updateGlobal", { temperature: 1 })).toEqual({ ok: true });
  expect(await rpc.request("hub.nothing")).toBeNull();
  await expect(rpc.request("hub.nope")).rejects.toMatchObject({ code: "NO_HANDLER" });
});

test("observables are streams, and a cancel unsubscribes", async () => {
  const rpc = await client();
  const items = rpc.stream<{ temperature: number }>("hub.watchGlobal");
  await items.next();
  await rpc.request("hub.updateGlobal", { temperature: 2 });
  expect((await items.next()).value?.temperature).toBe(2);
  expect(unsubscribed).toEqual([]);
  await items.return();
  await expect.poll(() => unsubscribed).toEqual(["watchGlobal"]);
  expect(await all(rpc.stream("hub.count", 1000))).toHaveLength(1000);
  expect(await all(rpc.stream("hub.empty"))).toEqual([]);
});

test("an observable that has said nothing yet is unsubscribed from by a cancel too", async () => {
  const rpc = await client();
  const items = rpc.stream("hub.never");
  const next = items.next();
  expect(await rpc.request("hub.intercepted")).toBe("plainplain");
  await items.return();
  expect(await next).toMatchObject({ done: true });
  await expect.poll(() => unsubscribed).toEqual(["never"]);
});

test("async generators are streams, and a cancel ends them", async () => {
  const rpc = await client();
  const items = rpc.stream("ai.streamChat", ["a", "b"]);
  expect([(await items.next()).value, (await items.next()).value]).toEqual(["a", "b"]);
  await items.return();
  await expect.poll(() => unsubscribed).toEqual(["streamChat"]);
});

test("what goes through an interceptor is what it was: an answer or a stream", async () => {
  const rpc = await client();
  expect(await rpc.request("hub.intercepted")).toBe("plainplain");
  expect(await all(rpc.stream("hub.interceptedStream"))).toEqual([1, 2]);
});

test("a stream that fails gives what came before", async () => {
  const rpc = await client();
  const items = rpc.stream("hub.breaks");
  expect((await items.next()).value).toBe(1);
  await expect(items.next()).rejects.toMatchObject({ code: "BOOM", domain: "ai", details: { at: 1 } });
});

test("errors keep their code where they have one, and nothing else leaves", async () => {
  const rpc = await client();
  const failure = (method: string) => rpc.request(method).catch(({ code, domain, message, details }) => [code, domain, message, details]);
  expect(await failure("hub.coded")).toEqual(["NOT_FOUND", "agent", "no such agent", { id: 7 }]);
  expect(await failure("hub.rpcException")).toEqual(["FULL", "queue", "no room", undefined]);
  expect(await failure("hub.plainException")).toEqual(["INTERNAL", "common", "said plainly", undefined]);
  expect(await failure("hub.unknown")).toEqual(["INTERNAL", "common", "Internal server error", undefined]);
  expect(await failure("hub.guarded")).toEqual(["INTERNAL", "common", "Forbidden resource", undefined]);
});

test("a handler calls its caller back, within its own call", async () => {
  const rpc = await client();
  rpc.register("ui.confirm", (payload) => `${payload} yes`);
  expect(await rpc.request("hub.askBack")).toBe("sure? yes");
});

test("every peer that an acceptor gives is served, until the application closes", async () => {
  let accept!: (transport: Transport) => void;
  let isStopped = false;
  const strategy = new SixframeStrategy({
    accept: (given) => {
      accept = given;
      return () => (isStopped = true);
    },
  });
  const app = await started(strategy);
  const peers = [memory(), memory()].map(([near, far]) => {
    accept(far);
    return connected(near);
  });
  expect(await Promise.all(peers.map((peer) => peer.request("hub.count", 1)))).toEqual([1, 1]);
  expect(strategy.unwrap().length).toBe(2);
  await app.close();
  running.splice(running.indexOf(app), 1);
  expect([isStopped, peers.map(({ state }) => state)]).toEqual([true, ["closed", "closed"]]);
});

test("Electron's windows are served, each as itself, and their subscriptions end with them", async () => {
  const electron = new FakeElectron();
  await started(new ElectronStrategy(electron.main));
  const [one, two] = [electron.window(), electron.window()];
  const rpc = [one, two].map((window) => connected(overBridge(window.load().bridge)() as Transport));
  expect(await Promise.all(rpc.map((endpoint) => endpoint.request("hub.whoami")))).toEqual([
    [1, "1.1"],
    [2, "2.1"],
  ]);
  await rpc[0]?.stream("hub.watchGlobal").next();
  one.destroy();
  await expect.poll(() => unsubscribed).toEqual(["watchGlobal"]);
});
