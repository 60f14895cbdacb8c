import { useState, type ReactNode } from "react";

import { ErrorCard } from "../methods/error-card.js";
import type { Failure } from "../methods/run.js";
import { Dialog } from "../shell/dialog.js";
import { useEnvironment } from "../shell/environment.js";
import { SteadyButton } from "../shell/steady-button.js";
import { leavesOpen, type ModeWanted } from "./keeper.js";
import { isUp, type Mode, type ModeName, type Sidecar } from "./sidecar.js";

const TITLES: Record<ModeName, string> = {
  standalone: "Run without sidecars",
  service: "Run the sidecars here",
  connected: "Use a remote daemon's sidecars",
};

/** Asks for what a mode needs, and says what a switch does. A switch that fails changes nothing, and the dialog stays. */
export function ModeDialog({
  wanted,
  mode,
  sidecars,
  onClose,
}: {
  wanted: ModeName;
  mode: Mode;
  sidecars: readonly Sidecar[];
  onClose: () => void;
}): ReactNode {
  const { keeper } = useEnvironment();
  const [serviceUrl, setServiceUrl] = useState(mode.serviceUrl ?? "");
  const [serverUrl, setServerUrl] = useState(mode.serverUrl ?? "");
  const [identity, setIdentity] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | undefined>(undefined);
  const running = sidecars.filter((sidecar) => sidecar.owner === "this" && isUp(sidecar)).map(({ name }) => name);
  const fits = wanted !== "connected" || /^wss?:\/\/./i.test(serverUrl.trim());

  const apply = async (): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    const failed = await keeper.setMode(modeWanted(wanted, serviceUrl.trim(), serverUrl.trim(), identity.trim()));
    setBusy(false);
    if (failed) setFailure(failed);
    else onClose();
  };

  return (
    <Dialog label={TITLES[wanted]} className="mode-dialog" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (fits && !isBusy && !mode.changing) void apply();
        }}
      >
        <h2>{TITLES[wanted]}</h2>
        {wanted === "service" && (
          <>
            <p>The sidecars that begin with the daemon are started, and the switch waits until they are ready.</p>
            <Text label="Address of the service" hint="May be left empty." value={serviceUrl} onChange={setServiceUrl} first />
          </>
        )}
        {wanted === "connected" && (
          <>
            <p>The remote daemon must answer before anything is stopped here.</p>
            <Text
              label="Address of the remote daemon"
              hint="wss://, or ws:// on this machine."
              value={serverUrl}
              onChange={setServerUrl}
              first
            />
            <Text
              label="Its identity"
              hint="The serverId that its rpc.hello must tell. May be left empty."
              value={identity}
              onChange={setIdentity}
            />
          </>
        )}
        {wanted !== "service" && running.length > 0 && (
          <p>
            {running.length === 1 ? "This one is" : "These are"} stopped: <b>{running.join(", ")}</b>.
          </p>
        )}
        {wanted === "standalone" && running.length === 0 && <p>No sidecar runs, so nothing is stopped.</p>}
        {failure && (
          <>
            <p>{outcome(failure, mode)}</p>
            <ErrorCard failure={failure} />
          </>
        )}
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            {failure && leavesOpen(failure) ? "Close" : "Cancel"}
          </button>
          <SteadyButton
            type="submit"
            className="button button-primary"
            isOff={!fits || isBusy || mode.changing !== undefined}
            aria-busy={isBusy}
            {...(wanted === "standalone" && { "data-first": true })}
          >
            {isBusy ? "Switching…" : "Switch"}
          </SteadyButton>
        </div>
      </form>
    </Dialog>
  );
}

/** What came of a switch that no answer says was made. */
function outcome(failure: Failure, mode: Mode): string {
  if (!leavesOpen(failure)) return "Nothing was changed.";
  if (mode.changing) return "It is still under way.";
  return `No answer came, so that it may still be under way; as far as is known here, the mode is ${mode.name}.`;
}

function modeWanted(mode: ModeName, serviceUrl: string, serverUrl: string, identity: string): ModeWanted {
  switch (mode) {
    case "standalone":
      return { mode };
    case "service":
      return { mode, ...(serviceUrl !== "" && { serviceUrl }) };
    case "connected":
      return { mode, serverUrl, ...(identity !== "" && { identity }) };
  }
}

function Text({
  label,
  hint,
  value,
  onChange,
  first = false,
}: {
  label: string;
  hint: string;
  value: string;
  onChange: (value: string) => void;
  first?: boolean;
}): ReactNode {
  return (
    <label className="field">
      <span className="field-label">{label}</span>
      <input
        className="input"
        value={value}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => onChange(event.target.value)}
        {...(first && { "data-first": true })}
      />
      <span className="field-hint quiet">{hint}</span>
    </label>
  );
}
