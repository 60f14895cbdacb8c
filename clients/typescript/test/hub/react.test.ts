// @vitest-environment jsdom
import { act, cleanup, render, screen } from "@testing-library/react";
import { createElement as h, StrictMode, useState, type ReactNode } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Hub, type HubState } from "../../src/hub.js";
import { RpcEndpoint, RpcError } from "../../src/index.js";
import { HubProvider, useCall, useHub, useHubHandle, useStream, type UseCall } from "../../src/react.js";
import { memory } from "../../src/transports/memory.js";
import { Served } from "./served.js";

let served: Served;
let endpoint: RpcEndpoint;
let hub: Hub;

beforeEach(() => {
  const [ours, theirs] = memory();
  served = new Served({ global: { temperature: 1 }, sessions: { s: { sessionId: "s" } } }, theirs);
  endpoint = new RpcEndpoint(ours);
  endpoint.start();
  hub = new Hub(endpoint);
});

afterEach(() => {
  cleanup();
  hub.close();
  endpoint.stop();
  served.stop();
});

function show(...children: ReactNode[]): void {
  render(h(StrictMode, null, h(HubProvider<HubState>, { hub }, ...children)));
}

/** Lets act end only when `holds`. */
async function until(holds: () => boolean): Promise<void> {
  await act(async () => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
  });
}

test("a component shows a part of the state and renders only when that part changes", async () => {
  let renders = 0;
  function Temperature(): ReactNode {
    renders += 1;
    const part = useHub((state) => ({ temperature: state.global.temperature }));
    return h("p", null, part ? `it is ${part.temperature}` : "not known");
  }
  show(h(Temperature));
  expect(screen.getByText("not known")).toBeTruthy();
  await until(() => hub.state !== undefined);
  expect(screen.getByText("it is 1")).toBeTruthy();
  const before = renders;
  await act(() => hub.set("/sessions/s/title", "new"));
  expect(renders).toBe(before);
  await act(() => hub.set("/global/temperature", 2));
  expect(screen.getByText("it is 2")).toBeTruthy();
});

test("components that render together show one moment, also while a change is taken back", async () => {
  const torn: string[] = [];
  function Reader({ name, seen }: { name: string; seen: (value: unknown) => void }): ReactNode {
    const value = useHub((state) => state.global.temperature);
    seen(value);
    return h("p", null, `${name} ${value}`);
  }
  function Pair(): ReactNode {
    const shown: unknown[] = [];
    const seen = (value: unknown): void => void shown.push(value);
    const both = useHub((state) => state.global);
    queueMicrotask(() => {
      if (new Set(shown).size > 1) torn.push(JSON.stringify(shown));
    });
    return h("div", null, JSON.stringify(both), h(Reader, { name: "one", seen }), h(Reader, { name: "other", seen }));
  }
  show(h(Pair));
  await until(() => hub.state !== undefined);
  served.endpoint.register("hub.commit", () => {
    throw new RpcError("CONFLICT", "no", { current: { epoch: "e1", revision: 0 } });
  });
  await act(async () => {
    await Promise.allSettled([hub.set("/global/temperature", 5), hub.set("/global/temperature", 6)]);
  });
  expect(screen.getByText("one 1")).toBeTruthy();
  expect(screen.getByText("other 1")).toBeTruthy();
  expect(torn).toEqual([]);
});

test("a component without a provider says what is missing", () => {
  function Lost(): ReactNode {
    useHubHandle();
    return null;
  }
  expect(() => render(h(Lost))).toThrow(/HubProvider/);
});

test("a stream runs while its component is shown, again for another payload, and its items fold", async () => {
  let open = 0;
  served.endpoint.register("count", async function* (to: unknown, { signal }: { signal: AbortSignal }) {
    open += 1;
    try {
      for (let n = 1; n <= (to as number); n += 1) yield n;
      if (to === 100) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    } finally {
      open -= 1;
    }
  });
  const fold = { initial: 0, reduce: (sum: number, n: number) => sum + n };
  let other: (to: number) => void = () => undefined;
  function Sum(): ReactNode {
    const [to, setTo] = useState(4);
    other = setTo;
    const { value, state, count } = useStream<number, number>("count", to, fold);
    return h("p", null, `${state} ${value} of ${count}`);
  }
  show(h(Sum));
  await until(() => screen.queryByText("ended 10 of 4") !== null);
  act(() => other(3));
  await until(() => screen.queryByText("ended 6 of 3") !== null);
  act(() => other(100));
  await until(() => screen.queryByText("open 5050 of 100") !== null);
  expect(open).toBe(1);
  cleanup();
  await until(() => open === 0);
});

test("a call shows how it stands, and is cancelled with its component", async () => {
  let stopped = false;
  served.endpoint.register(
    "slow",
    (_: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error(String((stopped = true)))))),
  );
  served.endpoint.register("double", (n: unknown) => (n as number) * 2);
  const calls: Record<string, UseCall<number>> = {};
  function Caller({ method }: { method: string }): ReactNode {
    const call = useCall<number>(method);
    calls[method] = call;
    return h("p", null, `${method} ${call.state} ${call.value ?? ""}${(call.error as RpcError | undefined)?.code ?? ""}`);
  }
  show(h(Caller, { method: "double" }), h(Caller, { method: "slow" }), h(Caller, { method: "nobody" }));
  expect(screen.getByText("double idle")).toBeTruthy();
  await act(() => calls["double"]?.call(21));
  expect(screen.getByText("double done 42")).toBeTruthy();
  await act(async () => void (await calls["nobody"]?.call().catch(() => undefined)));
  expect(screen.getByText("nobody failed NO_HANDLER")).toBeTruthy();
  act(() => void calls["slow"]?.call().catch(() => undefined));
  expect(screen.getByText("slow pending")).toBeTruthy();
  cleanup();
  await until(() => stopped);
});

test("a stream is opened again after a break only where its component says that it may be", async () => {
  const stream = vi.spyOn(endpoint, "stream");
  function Streams(): ReactNode {
    const events = useStream("events.watch", undefined, undefined, { resume: true });
    const build = useStream("process.run", { program: "make" });
    return h("p", null, `${events.state} ${build.state}`);
  }
  render(h(HubProvider<HubState>, { hub }, h(Streams)));
  await until(() => stream.mock.calls.length >= 2);
  expect(stream.mock.calls.slice(0, 2)).toEqual([
    ["events.watch", undefined, undefined, { resume: true }],
    ["process.run", { program: "make" }, undefined, {}],
  ]);
});
