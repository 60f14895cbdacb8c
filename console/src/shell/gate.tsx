import type { ReactNode } from "react";

import { Mark } from "./mark.js";

/** What stands in the console's place for who did not come by a link. */
export function Gate({ why, onRetry }: { why: string; onRetry?: () => void }): ReactNode {
  return (
    <main className="gate">
      <section className="gate-card">
        <Mark size={40} />
        <h1>{onRetry ? "The daemon does not answer" : "This page needs a link"}</h1>
        {onRetry ? (
          <p>Start it again, then try once more. A page that was let in before comes back by itself.</p>
        ) : (
          <>
            <p>
              The console shows and changes what runs on this machine, so it opens only from a link that the daemon made.
            </p>
            <pre className="gate-command">
              <code>sixframe open</code>
            </pre>
            <p>makes one and opens it here. A link works once, and for a minute.</p>
          </>
        )}
        {why !== "" && <p className="gate-why">{why}</p>}
        {onRetry && (
          <button type="button" className="button button-primary" onClick={onRetry}>
            Try again
          </button>
        )}
      </section>
    </main>
  );
}
