/** What each window of a relay may do, on by default. */

/** The limits of each window. Every error that one causes names it. */
export interface RelayLimits {
  /** The longest message, in bytes. Default 16 MiB. */
  messageBytes: number;
  /** The deepest nesting. Default 64. */
  depth: number;
  /** Calls that a window may have unanswered, and, by themselves, those made to it. Default 1024. */
  inFlight: number;
  /** Bytes that may wait of a stream whose consumer grants no credit. Default 32 MiB. */
  streamBytes: number;
  /** Bytes waiting in one direction above which requests are refused. Default 1 MiB. */
  softBytes: number;
  /** Bytes waiting in one direction above which the window is detached. Default 64 MiB. */
  hardBytes: number;
  /** Milliseconds above `softBytes` without progress after which a window is ended. Default 30,000. */
  stallMs: number;
  /** Requests a second; 0 is no limit. Default 0. */
  requestsPerSecond: number;
  /** Malformed messages after which a window is detached, at least 16. Default 64. */
  malformed: number;
}

/** The limits that hold where nothing else is said. */
export const RELAY_LIMITS: RelayLimits = {
  messageBytes: 16 * 1024 * 1024,
  depth: 64,
  inFlight: 1024,
  streamBytes: 32 * 1024 * 1024,
  softBytes: 1024 * 1024,
  hardBytes: 64 * 1024 * 1024,
  stallMs: 30_000,
  requestsPerSecond: 0,
  malformed: 64,
};
