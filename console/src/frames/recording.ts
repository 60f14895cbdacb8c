/** Recordings as the engine's recorder writes them: a line of JSON a message, with its time, its direction and its frame. */

import type { Call, Seen } from "./frame-log.js";

/** Keys whose values are secrets, wherever they stand. */
const SECRETS = new Set([
  "token",
  "secret",
  "password",
  "passwd",
  "authorization",
  "apikey",
  "api_key",
  "accesstoken",
  "cookie",
  "credentials",
  "ticket",
  "env",
]);

const REDACTED = "[redacted]";

/** The frames of `calls` in the order in which they passed, without their secrets. */
export function recording(calls: readonly Call[]): string {
  const frames = calls.flatMap((call) => call.frames()).sort((one, other) => one.number - other.number);
  const first = frames[0];
  if (!first) return "";
  const origins = new Set(frames.map(({ call }) => call.origin.id));
  return frames.map((seen) => `${JSON.stringify(line(seen, first.at, origins.size > 1))}\n`).join("");
}

function line({ at, direction, frame, call }: Seen, began: number, many: boolean): object {
  const content = typeof frame === "string" ? { garbage: frame } : { frame: redacted(frame, marked(frame)) };
  return { at: Math.max(0, Math.round(at - began)), direction, ...(many && { connection: call.origin.label }), ...content };
}

/** The keys that a sender itself marked. */
function marked(frame: Readonly<Record<string, unknown>>): ReadonlySet<string> {
  const meta = frame["meta"];
  const keys = typeof meta === "object" && meta !== null && "$sensitive" in meta ? meta.$sensitive : [];
  return new Set(Array.isArray(keys) ? keys.filter((key) => typeof key === "string") : []);
}

/** `value` without the values of keys that name secrets. */
export function redacted(value: unknown, also: ReadonlySet<string> = new Set()): unknown {
  if (Array.isArray(value)) return value.map((element) => redacted(element, also));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const isSecret = (SECRETS.has(key.toLowerCase()) || also.has(key)) && member !== null;
      return [key, isSecret ? REDACTED : redacted(member, also)];
    }),
  );
}
