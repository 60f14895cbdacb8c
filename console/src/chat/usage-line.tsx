import type { ReactNode } from "react";

import { visible } from "../render/plain.js";
import type { Facts } from "./facts.js";
import type { SessionView } from "./session-view.js";
import { money, short, tokens } from "./usage.js";

/** How full the conversation is for its model, what was used, what it cost, and limits that are near. */
export function UsageLine({ session, facts }: { session: SessionView; facts: Facts }): ReactNode {
  const { contextUsed, contextSize, session: used } = session.usage;
  const costs = Object.entries(facts.costs).map(([currency, micros]) => money(micros, currency));
  const spent = [used && tokens(used), ...costs].filter(Boolean).join(" · ");
  const near = Object.values(facts.limits).filter(({ status }) => status !== "ok");
  const share = contextUsed && contextSize ? Math.min(1, contextUsed / contextSize) : undefined;
  return (
    <div className="usage">
      {near.map(({ scope, status, usedPercent }) => (
        <span key={scope} className="badge" data-limit={status}>
          {visible(scope)}
          {typeof usedPercent === "number" && ` ${Math.round(usedPercent)} %`}
        </span>
      ))}
      {share !== undefined && (
        <span className="usage-context" title={`${short(contextUsed ?? 0)} of ${short(contextSize ?? 0)} tokens of context`}>
          <meter min={0} max={1} high={0.8} value={share} aria-label="Context that is used" />
          {Math.round(share * 100)} %
        </span>
      )}
      {spent !== "" && <span className="usage-spent">{spent}</span>}
    </div>
  );
}
