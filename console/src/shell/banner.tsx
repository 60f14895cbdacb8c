import { useEffect, useState, type ReactNode } from "react";

import { useStore } from "../store.js";
import { useEnvironment } from "./environment.js";
import { lasting } from "./units.js";

/** Says calmly that the connection is gone. It lies over the page, so that nothing moves when it comes and goes. */
export function Banner(): ReactNode {
  const { connection } = useEnvironment();
  const { phase, since } = useStore(connection.standing);
  const now = useNow(phase === "lost");
  if (phase !== "lost") return null;
  return (
    <div className="banner" role="alert">
      <span className="banner-spinner" aria-hidden />
      <span>
        <strong>The connection was lost.</strong> Trying again; what you see is from {lasting(now - since)} ago.
      </span>
    </div>
  );
}

/** The time, told once a second while it is wanted. */
function useNow(wanted: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!wanted) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [wanted]);
  return now;
}
