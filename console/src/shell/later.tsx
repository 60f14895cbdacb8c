import { createElement, useEffect, type FunctionComponent, type ReactNode } from "react";

import type { Standing } from "../connection.js";
import { Store, useStore } from "../store.js";
import { useEnvironment } from "./environment.js";

/** A part of the page that is fetched when it is first shown, or when there is time. */
export interface Later {
  Content: FunctionComponent;
  /**
   * Fetches it, unless it is there; never fails, since the part itself says what went wrong. `connection` is how the one stands
   * with whose return it is fetched again.
   */
  load: (connection: Store<Standing>) => Promise<void>;
}

/** What is known of a part; `reconnects` is how often the connection had come back when the fetch began that failed. */
type Known = { state: "away" } | { state: "there"; Content: FunctionComponent } | { state: "failed"; reconnects: number };

/** A part that `fetched` brings. */
export function later(fetched: () => Promise<FunctionComponent>): Later {
  const part = new Store<Known>({ state: "away" });
  let loading: Promise<void> | undefined;
  const load = (connection: Store<Standing>): Promise<void> => {
    const { reconnects } = connection.get();
    loading ??= fetched().then(
      (Content) => part.set({ state: "there", Content }),
      () => {
        loading = undefined;
        part.set({ state: "failed", reconnects });
      },
    );
    return loading;
  };
  function Content(): ReactNode {
    const { standing } = useEnvironment().connection;
    const known = useStore(part);
    useEffect(() => {
      if (known.state === "away") void load(standing);
    }, [known.state, standing]);
    if (known.state === "there") return createElement(known.Content);
    if (known.state === "failed") return <Missing reconnects={known.reconnects} onAgain={() => part.set({ state: "away" })} />;
    return <Loading />;
  }
  return { Content, load };
}

function Loading(): ReactNode {
  return (
    <p className="empty-page" role="status">
      <span className="loading">Loading…</span>
    </p>
  );
}

/** What went down with the connection is fetched again when that is back, whether or not anybody looked meanwhile. */
function Missing({ reconnects, onAgain }: { reconnects: number; onAgain: () => void }): ReactNode {
  const { connection } = useEnvironment();
  const standing = useStore(connection.standing);
  const isBack = standing.phase === "open" && standing.reconnects > reconnects;
  useEffect(() => {
    if (isBack) onAgain();
  }, [isBack]);
  if (isBack || standing.phase === "lost") return <Loading />;
  return (
    <div className="empty-page" role="alert">
      <p>This part of the page could not be loaded. The daemon may be away, or newer than the page.</p>
      <button type="button" className="button" onClick={onAgain}>
        Try again
      </button>
      <button type="button" className="button" onClick={() => location.reload()}>
        Load the page anew
      </button>
    </div>
  );
}
