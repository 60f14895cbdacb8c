import { createElement, useEffect, useRef, type FunctionComponent, type ReactNode } from "react";

import { Store, useStore } from "../store.js";
import { useEnvironment } from "./environment.js";

/** A part of the page that is fetched when it is first shown, or when there is time. */
export interface Later {
  Content: FunctionComponent;
  /** Fetches it, unless it is there; never fails, since the part itself says what went wrong. */
  load: () => Promise<void>;
}

type Standing = { state: "away" } | { state: "there"; Content: FunctionComponent } | { state: "failed" };

/** A part that `fetched` brings. */
export function later(fetched: () => Promise<FunctionComponent>): Later {
  const standing = new Store<Standing>({ state: "away" });
  let loading: Promise<void> | undefined;
  const load = (): Promise<void> => {
    loading ??= fetched().then(
      (Content) => standing.set({ state: "there", Content }),
      () => {
        loading = undefined;
        standing.set({ state: "failed" });
      },
    );
    return loading;
  };
  const again = (): void => {
    standing.set({ state: "away" });
    void load();
  };
  function Content(): ReactNode {
    const known = useStore(standing);
    useEffect(() => {
      if (known.state === "away") void load();
    }, [known.state]);
    if (known.state === "there") return createElement(known.Content);
    if (known.state === "failed") return <Missing onAgain={again} />;
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

/** What went down with the connection is fetched again when that is back. */
function Missing({ onAgain }: { onAgain: () => void }): ReactNode {
  const { connection } = useEnvironment();
  const isLost = useStore(connection.standing).phase === "lost";
  const wasLost = useRef(false);
  useEffect(() => {
    if (!isLost && wasLost.current) onAgain();
    wasLost.current = isLost;
  }, [isLost, onAgain]);
  if (isLost) return <Loading />;
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
