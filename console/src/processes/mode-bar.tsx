import { LoaderCircle } from "lucide-react";
import type { ReactNode } from "react";

import { visible } from "../render/plain.js";
import { useEnvironment } from "../shell/environment.js";
import { Radio, RadioGroup } from "../shell/radio-group.js";
import { lasting } from "../shell/units.js";
import { useStore } from "../store.js";
import { ModeDialog } from "./mode-dialog.js";
import type { Mode, ModeName, Sidecar } from "./sidecar.js";

export const MODES: readonly { name: ModeName; word: string; what: string }[] = [
  { name: "standalone", word: "Standalone", what: "No sidecar runs: what is needed runs in the host itself." },
  { name: "service", word: "Service", what: "The sidecars run here, and this daemon owns them." },
  { name: "connected", word: "Connected", what: "None runs here: those of a remote daemon are used." },
];

/** Which mode it is, with a way to another. */
export function ModeBar({ mode, sidecars, now }: { mode: Mode; sidecars: readonly Sidecar[]; now: number }): ReactNode {
  const { keeper } = useEnvironment();
  const wanted = useStore(keeper.modeAsked);
  const { changing } = mode;
  const url = mode.name === "connected" ? mode.serverUrl : mode.name === "service" ? mode.serviceUrl : undefined;
  return (
    <div className="mode-bar">
      <RadioGroup label="Mode" className="segments segments-wide" isAsking>
        {MODES.map(({ name, word, what }) => (
          <Radio
            key={name}
            isChosen={mode.name === name}
            title={what}
            isOff={changing !== undefined}
            onChoose={() => keeper.modeAsked.set(name)}
          >
            {word}
          </Radio>
        ))}
      </RadioGroup>
      <p className="mode-line" role="status">
        {changing ? (
          <>
            <LoaderCircle size={13} className="turning" aria-hidden /> Switching to {changing.to}
            {changing.since !== undefined && `, for ${lasting(now - changing.since)}`}
          </>
        ) : (
          <>
            {MODES.find(({ name }) => name === mode.name)?.what}
            {url !== undefined && <code>{url}</code>}
          </>
        )}
      </p>
      {mode.serverFailure !== undefined && (
        <p className="notice notice-bad" role="alert">
          The remote daemon cannot be used: {visible(mode.serverFailure)}. It is asked again until it is right; until then nothing of
          it is at hand.
        </p>
      )}
      {wanted && (
        <ModeDialog wanted={wanted} mode={mode} sidecars={sidecars} onClose={() => keeper.modeAsked.set(undefined)} />
      )}
    </div>
  );
}
