/** How this page comes in: a ticket, which a link carries once, becomes a session, which the browser keeps. */

import { learnTime } from "./daemon-time.js";

/** What became of looking for a session. */
export type Entry = { kind: "in"; token: string } | { kind: "out"; why: string } | { kind: "unreachable" };

const KEPT = "sixframe.session";

/** The parts of a browser that this needs. */
export interface Surroundings {
  location: Pick<Location, "hash" | "pathname" | "search">;
  history: Pick<History, "replaceState">;
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  fetch: typeof fetch;
}

/** Whether the address holds a ticket. */
export function hasTicket({ hash }: Pick<Location, "hash">): boolean {
  return new URLSearchParams(hash.slice(1)).has("ticket");
}

/** Takes the ticket out of the address, at once, and out of the history with it. */
export function takeTicket({ location, history }: Pick<Surroundings, "location" | "history">): string | undefined {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const ticket = fragment.get("ticket");
  if (ticket === null) return undefined;
  fragment.delete("ticket");
  const rest = fragment.toString();
  history.replaceState(null, "", location.pathname + location.search + (rest === "" ? "" : `#${rest}`));
  return ticket;
}

/** A session for the ticket of the address, or the one that was kept, renewed. */
export async function enter(surroundings: Surroundings): Promise<Entry> {
  const ticket = takeTicket(surroundings);
  const kept = surroundings.storage.getItem(KEPT);
  if (ticket !== undefined) {
    const entry = await ask(surroundings, { "content-type": "application/json" }, JSON.stringify({ ticket }));
    if (entry.kind !== "out" || kept === null) return entry;
  }
  if (kept === null) return { kind: "out", why: "" };
  return renew(surroundings, kept);
}

/** A new session for the holder of `token`. */
export async function renew(surroundings: Surroundings, token: string): Promise<Entry> {
  const entry = await ask(surroundings, { authorization: `Bearer ${token}` });
  if (entry.kind === "out") surroundings.storage.removeItem(KEPT);
  return entry;
}

async function ask({ fetch, storage }: Surroundings, headers: Record<string, string>, body?: string): Promise<Entry> {
  try {
    const answer = await fetch("/session", { method: "POST", headers, ...(body !== undefined && { body }) });
    learnTime(answer.headers.get("date"));
    if (answer.ok) {
      const { token } = (await answer.json()) as { token: string };
      storage.setItem(KEPT, token);
      return { kind: "in", token };
    }
    if (answer.status >= 500) return { kind: "unreachable" };
    return { kind: "out", why: (await answer.text()).trim() };
  } catch {
    return { kind: "unreachable" };
  }
}
