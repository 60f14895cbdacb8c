import { useEffect, useRef, type ReactNode } from "react";

import { Said, useSaying } from "../shell/said.js";
import type { Sidecar } from "./sidecar.js";
import { statusWord } from "./status-mark.js";

/** Says changes of status to who does not see them. */
export function Told({ sidecars }: { sidecars: readonly Sidecar[] }): ReactNode {
  const before = useRef<ReadonlyMap<string, string>>(new Map());
  const [said, say] = useSaying();
  useEffect(() => {
    const changed = sidecars.filter(({ name, status }) => (before.current.get(name) ?? status) !== status);
    before.current = new Map(sidecars.map(({ name, status }) => [name, status]));
    if (changed.length > 0)
      say(changed.map(({ name, status }) => `${name}: ${statusWord(status).toLowerCase()}`).join(", "));
  }, [sidecars]);
  return <Said said={said} />;
}
