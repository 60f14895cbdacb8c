/** The sidecars of the stand-in: their methods, over the state that its hub has, and a log to look at. */

import { RpcError, type RpcEndpoint } from "sixframe";

import type { Operation } from "../../../clients/typescript/src/hub.js";
import type { ReferenceHub } from "../../../clients/typescript/test/hub/reference-hub.js";

type Service = Record<string, unknown>;

/** Registers `sidecar.*`; `commit` changes the state. */
export function registerSidecars(endpoint: RpcEndpoint, hub: ReferenceHub, commit: (ops: readonly Operation[]) => void): void {
  const services = (): Record<string, Service> =>
    (hub.state["sidecars"] as { services?: Record<string, Service> } | undefined)?.services ?? {};
  const named = (payload: unknown): Service => {
    const { name } = payload as { name: string };
    const service = services()[name];
    if (!service) throw new RpcError("NOT_FOUND", `there is no sidecar \`${name}\``);
    return service;
  };
  const become = (payload: unknown, change: Service): Service => {
    const next = { ...named(payload), ...change, changedAt: Date.now() };
    commit([{ op: "replace", path: `/sidecars/services/${(payload as { name: string }).name}`, value: next as never }]);
    return next;
  };
  endpoint.register("sidecar.status", named);
  endpoint.register("sidecar.start", (payload) =>
    become(payload, { status: "ready", failure: null, exit: null, startedAt: Date.now(), generation: 1, owner: "this" }),
  );
  endpoint.register("sidecar.stop", (payload) => become(payload, { status: "stopped", owner: "none" }));
  endpoint.register("sidecar.setMode", () => {
    throw new RpcError("UNAVAILABLE", "wss://far.example does not answer: check the address and that the daemon there runs");
  });
  endpoint.register("sidecar.watch", (_, { signal }) => usage(services(), signal));
  endpoint.register("sidecar.logs", (payload, { signal }) => log(named(payload), signal));
}

async function* usage(services: Record<string, Service>, signal: AbortSignal): AsyncGenerator<Service> {
  for (const service of Object.values(services))
    yield service["status"] === "ready"
      ? { ...service, usage: { cpuPercent: 1.4, memoryBytes: 38_400_000, processes: 2 } }
      : service;
  await ended(signal);
}

async function* log({ generation }: Service, signal: AbortSignal): AsyncGenerator<Service> {
  let offset = 0;
  const line = (text: string, stream = "stdout"): Service => {
    offset += text.length + 1;
    return { kind: "line", stream, generation, offset: offset - text.length - 1, text };
  };
  yield { kind: "started", generation, pid: 4_711 };
  yield { kind: "gap", stream: "stdout", generation, from: 0, to: 12_340 };
  offset = 12_340;
  for (let request = 1; request <= 40; request += 1)
    yield line(`\u001b[32mINFO\u001b[0m  GET /documents/${request * 7} \u001b[1m200\u001b[0m in ${3 + (request % 5)} ms`);
  yield line("\u001b[33mWARNING\u001b[0m the index is 92 % full", "stderr");
  yield line("\u001b[31mERROR\u001b[0m document 301 has no title", "stderr");
  yield line("INFO  GET /health 200 in 0 ms");
  await ended(signal);
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
