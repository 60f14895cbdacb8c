/** What the palette can do with processes. */

import type { Command } from "../commands/palette.js";
import type { Environment } from "../shell/environment.js";
import { chosenSidecar } from "./chosen-sidecar.js";
import { MODES } from "./mode-bar.js";
import { applies, sidecarsOf, type Action } from "./sidecar.js";

const WORDS: Record<Action, string> = { start: "Start", stop: "Stop", restart: "Restart" };

/** Actions that make sense now, a way to each sidecar, and the modes. `show` brings the panel up. */
export function processCommands({ hub, keeper }: Environment, show: () => void): Command[] {
  const sidecars = sidecarsOf(hub.state?.["sidecars"])?.sidecars ?? [];
  const open = (name: string): void => {
    chosenSidecar.set(name);
    show();
  };
  const modes = sidecars.length === 0 ? [] : MODES;
  const ofModes = modes.map(({ name, word }) => ({
    id: `mode-${name}`,
    group: "Mode",
    name: word,
    words: "switch",
    run: () => (keeper.modeAsked.set(name), show()),
  }));
  const ofSidecars = sidecars.flatMap((sidecar) => {
    const { name } = sidecar;
    const actions = (["start", "stop", "restart"] as const).filter((action) => applies(action, sidecar));
    return [
      { id: `process-${name}`, group: "Process", name: `Logs of ${name}`, words: "show status", run: () => open(name) },
      ...actions.map((action) => ({
        id: `process-${action}-${name}`,
        group: "Process",
        name: `${WORDS[action]} ${name}`,
        run: () => {
          open(name);
          keeper.propose(action, name, sidecars);
        },
      })),
    ];
  });
  return [...ofSidecars, ...ofModes];
}
