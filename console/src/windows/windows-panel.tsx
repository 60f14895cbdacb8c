import { AppWindow, Cable, Globe, Puzzle, SquareTerminal, type LucideIcon } from "lucide-react";
import { useEffect, useState, useSyncExternalStore, type ReactNode } from "react";

import { daemonNow } from "../daemon-time.js";
import { useEnvironment } from "../shell/environment.js";
import { lasting } from "../shell/units.js";

/** One connection, as the hub's slice `windows` tells of it. */
export interface OpenWindow {
  id: string;
  transport: string;
  name: string | undefined;
  session: string | undefined;
  address: string | undefined;
  /** Milliseconds since 1970. */
  since: number | undefined;
}

const ICONS: Record<string, LucideIcon> = {
  ws: Globe,
  websocket: Globe,
  stdio: SquareTerminal,
  unix: Cable,
  pipe: Cable,
  chrome: Puzzle,
};

/** Reads the slice; what an entry leaves out stays unknown. */
export function windowsOf(slice: unknown): OpenWindow[] {
  if (typeof slice !== "object" || slice === null) return [];
  const windows = Object.entries(slice as Record<string, unknown>).map(([id, told]) => {
    const { transport, name, session, address, since } = (told ?? {}) as Record<string, unknown>;
    const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
    return {
      id,
      transport: text(transport) ?? "unknown",
      name: text(name),
      session: text(session),
      address: text(address),
      since: timeOf(since),
    };
  });
  return windows.sort(
    (one, other) => (one.since ?? 0) - (other.since ?? 0) || one.id.localeCompare(other.id, "en", { numeric: true }),
  );
}

function timeOf(since: unknown): number | undefined {
  const time = typeof since === "string" ? Date.parse(since) : since;
  return typeof time === "number" && Number.isFinite(time) ? time : undefined;
}

/** Who is connected now. */
export function WindowsPanel(): ReactNode {
  const { hub } = useEnvironment();
  const slice = useSyncExternalStore(
    (changed) => hub.onChange(changed),
    () => hub.state?.["windows"],
  );
  const now = useNow();
  const windows = windowsOf(slice);
  if (slice === undefined)
    return (
      <p className="empty-page">
        {hub.state === undefined ? "Asking for the state…" : "This daemon does not tell who is connected."}
      </p>
    );
  if (windows.length === 0) return <p className="empty-page">Nobody is connected.</p>;
  return (
    <div className="panel windows">
      <h2 className="windows-title">
        {windows.length} {windows.length === 1 ? "connection" : "connections"}
      </h2>
      <ul className="windows-list">
        {windows.map((open) => (
          <WindowCard key={open.id} open={open} now={now} />
        ))}
      </ul>
    </div>
  );
}

function WindowCard({
  open: { id, transport, name, session, address, since },
  now,
}: {
  open: OpenWindow;
  now: number;
}): ReactNode {
  const Icon = ICONS[transport] ?? AppWindow;
  return (
    <li className="window-card">
      <span className="window-icon" aria-hidden>
        <Icon size={18} />
      </span>
      <div className="window-text">
        <div className="window-head">
          <b>{name ?? `Connection ${id}`}</b>
          <span className="badge">{transport}</span>
        </div>
        <dl className="window-facts">
          {name !== undefined && <Fact name="id" value={id} />}
          {session !== undefined && <Fact name="session" value={session} />}
          {address !== undefined && <Fact name="address" value={address} />}
          {since !== undefined && <Fact name="open for" value={lasting(now - since)} />}
        </dl>
      </div>
    </li>
  );
}

function Fact({ name, value }: { name: string; value: string }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function useNow(): number {
  const [now, setNow] = useState(daemonNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(daemonNow()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
