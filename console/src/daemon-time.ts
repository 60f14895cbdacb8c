/** The daemon's time: what it says of times is compared with it, since the clock of this machine may be another one. */

/** What the header cannot tell: it has whole seconds, and takes its way. */
const UNSURE_MS = 2_000;

let ahead = 0;

/** Learns the daemon's time from the `date` of an answer that came just now. */
export function learnTime(date: string | null, now = Date.now()): void {
  const time = Date.parse(date ?? "");
  if (Number.isNaN(time)) return;
  ahead = Math.abs(time - now) < UNSURE_MS ? 0 : time - now;
}

/** What time it is for the daemon, in milliseconds since 1970. */
export function daemonNow(): number {
  return daemonTime(Date.now());
}

/** What time it was for the daemon when this machine's clock said `at`. */
export function daemonTime(at: number): number {
  return at + ahead;
}
