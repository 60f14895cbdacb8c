import { useMemo, type ReactNode } from "react";

import { useEnvironment } from "../shell/environment.js";
import { SteadySelect } from "../shell/steady-select.js";
import { useStore } from "../store.js";
import { MODE_WORDS } from "./words.js";

const ALWAYS: readonly string[] = ["ask", "acceptEdits", "plan"];

/** The modes that the daemon knows, by the schema of the method that sets one. */
export function useModes(): readonly string[] {
  const { catalogue } = useEnvironment();
  const view = useStore(catalogue.view);
  return useMemo(() => {
    if (view.state !== "ready") return ALWAYS;
    const text = JSON.stringify(catalogue.method("agent.setMode")?.params ?? {});
    return Object.keys(MODE_WORDS).filter((name) => ALWAYS.includes(name) || text.includes(`"${name}"`));
  }, [catalogue, view]);
}

/** In the order from the most careful on. */
export function modesOf(modes: readonly string[]): readonly string[] {
  const order = ["plan", "ask", "acceptEdits", "auto"];
  return [...modes].sort((one, other) => order.indexOf(one) - order.indexOf(other));
}

/** What an agent may do without asking. */
export function ModeSelect({
  mode,
  isOff,
  onChange,
}: {
  mode: string;
  isOff: boolean;
  onChange: (mode: string) => void;
}): ReactNode {
  const modes = useModes();
  const listed = modes.includes(mode) ? modes : [...modes, mode];
  return (
    <SteadySelect
      className="input select select-small"
      aria-label="What it may do"
      title={MODE_WORDS[mode]?.means}
      value={mode}
      isOff={isOff}
      onChoose={onChange}
    >
      {modesOf(listed).map((name) => (
        <option key={name} value={name}>
          {MODE_WORDS[name]?.name ?? name}
        </option>
      ))}
    </SteadySelect>
  );
}
