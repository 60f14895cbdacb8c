import { firstValueFrom, take, toArray } from "rxjs";
import { afterEach, beforeEach, expect, test } from "vitest";

import { global$, items$, model$, subject } from "../../examples/hub-rxjs.js";
import { Frames, Hub } from "../../src/hub.js";
import { RpcEndpoint } from "../../src/index.js";
import { memory } from "../../src/transports/memory.js";
import { Served } from "./served.js";

let served: Served;
let endpoint: RpcEndpoint;
let hub: Hub;
const frames = new Frames();

beforeEach(() => {
  const [ours, theirs] = memory();
  served = new Served({ global: { defaultModel: "one", temperature: 0.7 }, sessions: {} }, theirs);
  endpoint = new RpcEndpoint(ours, { onFrame: frames.onFrame });
  endpoint.start();
  hub = new Hub(endpoint);
});

afterEach(() => {
  hub.close();
  endpoint.stop();
  served.stop();
});

test("a part of the state is an observable of its values", async () => {
  const models = firstValueFrom(model$(hub).pipe(take(3), toArray()));
  await hub.ready();
  await hub.set("/global/defaultModel", "two");
  await hub.set("/global/temperature", 1);
  await hub.set("/global/defaultModel", "three");
  expect(await models).toEqual(["one", "two", "three"]);
});

test("a snapshot and a stream merge into one observable", async () => {
  const seen: unknown[] = [];
  const changed = new Promise<void>((resolve) => {
    const subscription = global$(endpoint).subscribe((global) => {
      seen.push(global["temperature"]);
      if (global["temperature"] !== 1.5) return served.commit([{ op: "replace", path: "/global/temperature", value: 1.5 }]);
      subscription.unsubscribe();
      resolve();
    });
  });
  await changed;
  expect(seen).toEqual([0.7, 1.5]);
  await served.settled("hub.watchGlobal");
});

test("a subject follows the hub", async () => {
  const followed = subject(hub, {});
  expect(followed.value).toEqual({});
  await hub.ready();
  await hub.set("/global/defaultModel", "two");
  expect(followed.value).toEqual({ defaultModel: "two", temperature: 0.7 });
});

test("one stream of frames is picked apart by method", async () => {
  const messages = firstValueFrom(items$<{ text: string }>(frames, "events.").pipe(take(2), toArray()));
  const events = endpoint.stream("events.watch");
  void (async () => {
    for await (const _ of events) continue;
  })();
  expect(await messages).toEqual([{ text: "hello" }, { text: "world" }]);
  await events.return();
});
