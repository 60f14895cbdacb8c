import { createContext, useContext } from "react";
import type { Hub, HubState } from "sixframe/hub";

import type { Agents } from "../chat/agents.js";
import type { Connection, Link } from "../connection.js";
import type { FrameLog } from "../frames/frame-log.js";
import type { TapSource } from "../frames/tap-source.js";
import type { History } from "../methods/history.js";
import type { Catalogue } from "../methods/catalogue.js";
import type { Keeper } from "../processes/keeper.js";
import type { Runs } from "../runs/runs.js";
import type { Changes } from "../state/changes.js";
import type { Toasts } from "./toasts.js";

/** Everything that the console's parts share. */
export interface Environment {
  link: Link;
  connection: Connection;
  hub: Hub<HubState>;
  /** This page's own frames. */
  frames: FrameLog;
  /** The frames of the daemon's other connections. */
  tap: TapSource;
  catalogue: Catalogue;
  history: History;
  changes: Changes;
  /** Starts and stops the daemon's sidecars. */
  keeper: Keeper;
  /** What is asked of the daemon's agents. */
  agents: Agents;
  /** What is asked for several of them at once. */
  runs: Runs;
  toasts: Toasts;
}

const EnvironmentContext = createContext<Environment | undefined>(undefined);

export const EnvironmentProvider = EnvironmentContext.Provider;

export function useEnvironment(): Environment {
  const environment = useContext(EnvironmentContext);
  if (!environment) throw new Error("there is no environment above this component");
  return environment;
}
