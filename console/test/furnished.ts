/** The console's parts, and a peer in memory that they are connected to. */

import { RpcEndpoint, RpcError } from "sixframe";
import { Hub } from "sixframe/hub";
import { memory } from "sixframe/transports/memory";
import { beforeAll } from "vitest";

import type { Json } from "../../clients/typescript/test/hub/reference-hub.js";
import { Served } from "../../clients/typescript/test/hub/served.js";
import { Agents } from "../src/chat/agents.js";
import { Connection, type Standing } from "../src/connection.js";
import { loadContents } from "../src/contents.js";
import { FrameLog } from "../src/frames/frame-log.js";
import { TapSource } from "../src/frames/tap-source.js";
import { Catalogue } from "../src/methods/catalogue.js";
import { History } from "../src/methods/history.js";
import { Keeper } from "../src/processes/keeper.js";
import { Runs } from "../src/runs/runs.js";
import type { Environment } from "../src/shell/environment.js";
import { Toasts } from "../src/shell/toasts.js";
import { Changes } from "../src/state/changes.js";
import { Store } from "../src/store.js";

/** Panels are fetched when they are shown; here all of them are there from the beginning. */
beforeAll(() => loadContents(new Store<Standing>({ phase: "connecting", since: 0, reconnects: 0 })));

export interface Furnished {
  served: Served;
  environment: Environment;
  end: () => void;
}

/** Everything that the whole console needs, on a state of the test's choosing, and a daemon that says it has `methods` too. */
export function furnish(
  state: Record<string, unknown> = { global: { temperature: 0.7 }, sessions: {} },
  methods: readonly string[] = [],
): Furnished {
  const [ours, theirs] = memory();
  const served = new Served(state as Json, theirs);
  served.endpoint.register("rpc.discover", () => ({
    info: {},
    methods: [
      {
        name: "shop.buy",
        params: [{ schema: { type: "object", required: ["what"], properties: { what: { type: "string" } } } }],
      },
      ...methods.map((name) => ({ name, params: [] })),
    ],
  }));
  served.endpoint.register("shop.buy", (payload) => {
    const { what } = payload as { what: string };
    if (what === "moon")
      throw new RpcError("INVALID_PAYLOAD", "at `what`: not for sale", {
        path: "what",
        expected: "something that is for sale",
      });
    return { bought: what };
  });
  const frames = new FrameLog();
  const endpoint = new RpcEndpoint(ours, {
    onFrame: (direction, frame) =>
      frames.push({ id: "page", label: "this page" }, direction === "in" ? "received" : "sent", frame, Date.now()),
    onState: (state) => {
      connection.become(state);
      if (state === "open") void catalogue.load();
    },
  });
  const connection = new Connection(endpoint);
  const catalogue = new Catalogue(endpoint);
  const hub = new Hub(endpoint);
  const toasts = new Toasts();
  endpoint.start();
  return {
    served,
    end: () => {
      connection.stop();
      hub.close();
      endpoint.stop();
      served.stop();
    },
    environment: {
      link: endpoint,
      connection,
      hub,
      frames,
      tap: new TapSource(endpoint),
      catalogue,
      history: new History(endpoint),
      changes: new Changes(hub),
      keeper: new Keeper(endpoint, toasts),
      agents: new Agents(endpoint, catalogue, toasts),
      runs: new Runs(endpoint, toasts),
      toasts,
    },
  };
}
