import type { Call, CallState } from "./frame-log.js";

/** Which calls are shown. */
export interface Filter {
  /** Found in the method, the cid, the code or the name of the connection. */
  text: string;
  /** All states where empty. */
  states: ReadonlySet<CallState>;
  errorsOnly: boolean;
  /** The id of a connection. */
  origin: string;
  /** Whether signs of life are shown: they come every few seconds, and say nothing. */
  pings: boolean;
}

export const USUAL: Filter = { text: "", states: new Set(), errorsOnly: false, origin: "", pings: false };

/** Whether the filter leaves out no more than signs of life. */
export function isOpen({ text, states, errorsOnly, origin }: Filter): boolean {
  return text === "" && states.size === 0 && !errorsOnly && origin === "";
}

/** The calls that pass. */
export function filtered(calls: readonly Call[], filter: Filter): readonly Call[] {
  if (isOpen(filter) && filter.pings) return calls;
  const wanted = filter.text.toLowerCase();
  return calls.filter((call) => passes(call, filter, wanted));
}

function passes(call: Call, { states, errorsOnly, origin, pings }: Filter, wanted: string): boolean {
  if (!pings && call.method === "rpc.ping" && call.state !== "failed") return false;
  if (errorsOnly && call.state !== "failed") return false;
  if (states.size > 0 && !states.has(call.state)) return false;
  if (origin !== "" && call.origin.id !== origin) return false;
  if (wanted === "") return true;
  return [call.method, call.cid, call.code ?? "", call.origin.label].some((text) => text.toLowerCase().includes(wanted));
}
