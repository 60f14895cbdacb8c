import { Clock } from "lucide-react";
import type { ReactNode } from "react";

import { lasting } from "../shell/units.js";
import { useNow } from "./hooks.js";

/** Under which it is urgent. */
const URGENT_MS = 60_000;

/** How long something can still be answered. Not read aloud at each second. */
export function Countdown({ until, what }: { until: number; what: string }): ReactNode {
  const left = until - useNow(true);
  return (
    <span className="countdown" data-urgent={left < URGENT_MS} role="timer" aria-live="off">
      <Clock size={13} aria-hidden />
      {left > 0 ? `${what} in ${lasting(left)}` : "Expired"}
    </span>
  );
}
