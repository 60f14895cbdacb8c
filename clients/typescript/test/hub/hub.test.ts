import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Hub } from "../../src/hub.js";
import { Network } from "./network.js";
import { Refusal, ReferenceHub, type Json } from "./reference-hub.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const turn = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

function connected(state: Json = { count: 1, list: [1, 2], deep: { a: { n: 1 }, b: { n: 2 } } }): {
  hub: ReferenceHub;
  network: Network;
  window: Hub<Json>;
} {
  const hub = new ReferenceHub(state);
  const network = new Network(hub);
  return { hub, network, window: new Hub<Json>(network, { client: "me" }) };
}

test("nothing is asked before the first use", async () => {
  const { network, window } = connected();
  expect(window.status).toBe("idle");
  expect(network.asked).toEqual([]);
  await window.ready();
  expect(network.asked).toEqual([{}]);
  expect(window.status).toBe("live");
});

test("the watch may be opened again after a break, before its first item too", async () => {
  const { network, window } = connected();
  const stream = vi.spyOn(network, "stream");
  await window.ready();
  expect(stream.mock.calls).toEqual([["hub.watch", {}, undefined, { resume: true }]]);
});

test("a change shows at once, and stays when the hub has applied it", async () => {
  const { hub, network, window } = connected();
  await window.ready();
  const seen: unknown[] = [];
  window.subscribe(
    (state) => state["count"],
    (value) => seen.push(value),
  );
  const committed = window.set("/count", 2);
  expect(window.state).toMatchObject({ count: 2 });
  expect(window.pending).toBe(1);
  network.settle();
  await turn();
  expect(await committed).toEqual({ epoch: "e1", revision: 1 });
  expect(window.pending).toBe(0);
  expect(seen).toEqual([2]);
  expect(hub.state).toMatchObject({ count: 2 });
});

test("a change that is refused is taken back, and its author told why", async () => {
  const { hub, network, window } = connected();
  await window.ready();
  const version = window.version;
  hub.commit({ ops: [{ op: "replace", path: "/count", value: 7 }] });
  const refused = window.set("/count", 2, version && { expect: version });
  const told = expect(refused).rejects.toMatchObject({ code: "CONFLICT", details: { current: { revision: 1 } } });
  expect(window.state).toMatchObject({ count: 2 });
  network.settle();
  await told;
  await turn();
  expect(window.state).toMatchObject({ count: 7 });
});

test("a change that is not optimistic shows when the hub has it", async () => {
  const { network, window } = connected();
  await window.ready();
  const committed = window.set("/count", 2, { optimistic: false });
  expect(window.state).toMatchObject({ count: 1 });
  network.settle();
  await committed;
  await turn();
  expect(window.state).toMatchObject({ count: 2 });
});

test("a commit whose connection breaks is sent again under its number and applied once", async () => {
  const { hub, network, window } = connected();
  await window.ready();
  const committed = window.commit([{ op: "add", path: "/list/-", value: 3 }]);
  const second = window.commit([{ op: "add", path: "/list/-", value: 4 }]);
  network.handle();
  network.cut();
  expect(window.state).toMatchObject({ list: [1, 2, 3, 4] });
  await vi.advanceTimersByTimeAsync(200);
  network.settle();
  await turn();
  await Promise.all([committed, second]);
  expect(hub.state).toMatchObject({ list: [1, 2, 3, 4] });
  expect(hub.revision).toBe(2);
  expect(window.state).toEqual(hub.state);
});

test("two windows of one name are two clients, and both are heard", async () => {
  const { hub, network, window } = connected();
  const other = new Hub<Json>(network, { client: "me" });
  await Promise.all([window.ready(), other.ready()]);
  const commits = [window.set("/count", 2), other.set("/other", 3)];
  network.settle();
  await turn();
  await Promise.all(commits);
  expect(hub.state).toMatchObject({ count: 2, other: 3 });
  expect(window.client).toMatch(/^me-/);
});

test("a commit that the hub has forgotten is taken back, and what is behind it goes on", async () => {
  const { network, window } = connected();
  await window.ready();
  const forgotten = window.set("/count", 2);
  const told = expect(forgotten).rejects.toMatchObject({ code: "INDETERMINATE" });
  const behind = window.set("/other", 3);
  network.requests.shift()!.reply(new Refusal("INDETERMINATE", { forgotten: true }));
  await turn();
  await told;
  expect(window.state).toMatchObject({ count: 1, other: 3 });
  network.settle();
  await turn();
  expect(await behind).toEqual({ epoch: "e1", revision: 1 });
});

test("what is missing is noticed, and asked for from where the window stands", async () => {
  const { hub, network, window } = connected();
  await window.ready();
  for (const value of [2, 3, 4]) hub.commit({ ops: [{ op: "replace", path: "/count", value }] });
  network.tell(0, 1);
  network.tell(2, 2);
  await vi.advanceTimersByTimeAsync(100);
  expect(network.asked.at(-1)).toEqual({ since: { epoch: "e1", revision: 0 } });
  expect(window.state).toEqual(hub.state);
});

test("commits that nobody answers are bounded, and one too many shows nothing", async () => {
  const { hub, network } = connected();
  const window = new Hub<Json>(network, { mostPending: 40 });
  await window.ready();
  const waiting = Array.from({ length: 40 }, (_, n) => window.set("/count", n));
  const details = { limit: "pending commits", value: 40, setting: "mostPending" };
  await expect(window.set("/count", 99)).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED", details });
  expect(window.state).toMatchObject({ count: 39 });
  while (window.pending > 0) {
    network.settle();
    await turn();
  }
  await Promise.all(waiting);
  const last = window.set("/count", 40);
  network.settle();
  await last;
  expect(hub.state).toMatchObject({ count: 40 });
});

test("a window that watches again and has missed nothing is live again", async () => {
  const { network, window } = connected();
  await window.ready();
  network.cut();
  await turn();
  expect(window.status).toBe("waiting");
  await vi.advanceTimersByTimeAsync(200);
  expect(network.asked.at(-1)).toEqual({ since: { epoch: "e1", revision: 0 } });
  expect([window.status, window.error]).toEqual(["live", undefined]);
});

test("a patch that does not fit makes the window ask for everything", async () => {
  const { hub, network, window } = connected();
  await window.ready();
  network.watch?.deliver({ from: 0, to: 1, ops: [{ op: "remove", path: "/nowhere" }] });
  await vi.advanceTimersByTimeAsync(100);
  expect(network.asked.at(-1)).toEqual({});
  expect(window.state).toEqual(hub.state);
});

test("another epoch is another state, whatever its revision", async () => {
  const { hub, network, window } = connected();
  await window.ready();
  hub.commit({ ops: [{ op: "replace", path: "/count", value: 9 }] });
  network.tell();
  await turn();
  network.cut();
  const reborn = new ReferenceHub({ count: 0 });
  reborn.epoch = "e2";
  network.replace(reborn);
  await vi.advanceTimersByTimeAsync(200);
  expect(window.state).toEqual({ count: 0 });
  expect(window.version).toEqual({ epoch: "e2", revision: 0 });
});

test("parts that stay equal keep their identity, over patches and snapshots, and wake nobody", async () => {
  const { hub, network, window } = connected();
  await window.ready();
  const heard = vi.fn();
  const selection = window.select((state) => Object.values(state["deep"] as object).map(({ n }: { n: number }) => ({ n })));
  selection.subscribe(heard);
  const before = selection.value;
  const deep = window.state?.["deep"];
  hub.commit({ ops: [{ op: "replace", path: "/count", value: 2 }] });
  network.tell();
  await turn();
  expect(window.state).toMatchObject({ count: 2 });
  expect(window.state?.["deep"]).toBe(deep);
  expect(selection.value).toBe(before);
  hub.evict();
  network.cut();
  await vi.advanceTimersByTimeAsync(200);
  expect(window.state?.["deep"]).toBe(deep);
  expect(heard).not.toHaveBeenCalled();
  hub.commit({ ops: [{ op: "replace", path: "/deep/a/n", value: 5 }] });
  network.tell();
  await turn();
  expect(heard).toHaveBeenCalledExactlyOnceWith([{ n: 5 }, { n: 2 }], before);
  expect(selection.value?.[1]).toBe(before?.[1]);
});

test("a listener's failure is its own, and a change made by a listener is heard after the first", async () => {
  const { network, window } = connected();
  await window.ready();
  const failures: unknown[] = [];
  const microtask = vi.spyOn(globalThis, "queueMicrotask").mockImplementation((run) => {
    try {
      run();
    } catch (error) {
      failures.push(error);
    }
  });
  const order: unknown[] = [];
  window.subscribe(
    (state) => state["count"],
    (value) => {
      order.push(["first", value]);
      if (value === 2) void window.set("/count", 3);
      throw new Error("mine alone");
    },
  );
  window.subscribe(
    (state) => state["count"],
    (value) => order.push(["second", value]),
  );
  void window.set("/count", 2);
  expect(order).toEqual([
    ["first", 2],
    ["second", 3],
    ["first", 3],
  ]);
  expect(failures).toHaveLength(2);
  microtask.mockRestore();
  network.settle();
  await turn();
  expect(window.state).toMatchObject({ count: 3 });
  expect(order).toHaveLength(3);
});

test("a hub that may not be watched says so, and asks again only when told to", async () => {
  const { network, window } = connected();
  network.refusal = "FORBIDDEN";
  await expect(window.ready()).rejects.toMatchObject({ code: "FORBIDDEN" });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(window.status).toBe("refused");
  expect(network.asked).toHaveLength(1);
  network.refusal = undefined;
  window.retry();
  await window.ready();
  expect(window.status).toBe("live");
});

test("closing ends the watch and what waits for an answer, and leaves the state readable", async () => {
  const { network, window } = connected();
  await window.ready();
  const waits = window.set("/count", 2);
  network.cut();
  await turn();
  const told = expect(waits).rejects.toMatchObject({ code: "CANCELLED" });
  window.close();
  await told;
  await expect(window.set("/count", 3)).rejects.toMatchObject({ code: "CANCELLED" });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(network.watch).toBeUndefined();
  expect(window.state).toMatchObject({ count: 1 });
});

test("a selection is a value at a time: iterating gives the newest, and stops at once", async () => {
  const { hub, network, window } = connected();
  const values = window.select((state) => state["count"])[Symbol.asyncIterator]();
  expect(await values.next()).toEqual({ done: false, value: 1 });
  for (const value of [2, 3, 4]) {
    hub.commit({ ops: [{ op: "replace", path: "/count", value }] });
    network.tell();
    await turn();
  }
  expect(await values.next()).toEqual({ done: false, value: 4 });
  const waiting = values.next();
  await values.return?.();
  expect(await waiting).toEqual({ done: true, value: undefined });
});
