/** Wires the console: the connection, and everything that lives on it. */

import { RpcEndpoint } from "sixframe";
import { heartbeat } from "sixframe/heartbeat";
import { hello } from "sixframe/hello";
import { Hub } from "sixframe/hub";
import { webSocket } from "sixframe/transports/websocket";

import { Agents } from "./chat/agents.js";
import { keepTyped } from "./chat/kept-typed.js";
import { Connection } from "./connection.js";
import { FrameLog } from "./frames/frame-log.js";
import { TapSource } from "./frames/tap-source.js";
import { Catalogue } from "./methods/catalogue.js";
import { History } from "./methods/history.js";
import { Keeper } from "./processes/keeper.js";
import { Runs } from "./runs/runs.js";
import { renew, type Surroundings } from "./session.js";
import type { Environment } from "./shell/environment.js";
import { Changes } from "./state/changes.js";
import { ofWindow } from "./storage.js";
import { Toasts } from "./shell/toasts.js";

const OWN = { id: "page", label: "this page" };
/** One frame of a screen: a state that changes faster than that cannot be seen. */
const FRAME_MS = 16;
const SILENCE_MS = 5_000;

/** Everything that the page shows. `windowName` owns what it begins; `onOut` is told when its session has ended. */
export function furnish(token: string, windowName: string, surroundings: Surroundings, onOut: (why: string) => void): Environment {
  const frames = new FrameLog();
  const session = new LiveSession(token, surroundings, onOut);
  const endpoint = new RpcEndpoint(webSocket(socketUrl(), { token: () => session.token() }), {
    use: [heartbeat(SILENCE_MS), hello({ name: "console", session: windowName })],
    onFrame: (direction, frame, bytes) =>
      frames.push(OWN, direction === "in" ? "received" : "sent", frame, performance.timeOrigin + performance.now(), bytes),
    onState: (state) => {
      connection.become(state);
      if (state === "open") void catalogue.load();
    },
  });
  const connection = new Connection(endpoint);
  const catalogue = new Catalogue(endpoint);
  const hub = new Hub(endpoint, { minIntervalMs: FRAME_MS });
  const toasts = new Toasts();
  const agents = new Agents(endpoint, catalogue, toasts);
  keepTyped(agents.typed, ofWindow, windowName);
  endpoint.start();
  return {
    link: endpoint,
    connection,
    hub,
    frames,
    tap: new TapSource(endpoint),
    catalogue,
    history: new History(endpoint),
    changes: new Changes(hub),
    keeper: new Keeper(endpoint, toasts),
    agents,
    runs: new Runs(endpoint, toasts),
    toasts,
  };
}

/** A session that is shown again and again. A browser does not say why a WebSocket was refused, so that is asked for. */
class LiveSession {
  #token: string;
  #shown = 0;
  readonly #surroundings: Surroundings;
  readonly #onOut: (why: string) => void;

  constructor(token: string, surroundings: Surroundings, onOut: (why: string) => void) {
    this.#token = token;
    this.#surroundings = surroundings;
    this.#onOut = onOut;
  }

  async token(): Promise<string> {
    this.#shown += 1;
    if (this.#shown > 1) await this.#renew();
    return this.#token;
  }

  async #renew(): Promise<void> {
    const entry = await renew(this.#surroundings, this.#token);
    if (entry.kind === "in") this.#token = entry.token;
    if (entry.kind === "out") this.#onOut(entry.why);
  }
}

function socketUrl(): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
}
