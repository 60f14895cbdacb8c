/**
 * What ports say to each other beside frames: objects with the one key `sixframe`, which is no frame's, so that a peer of
 * another make ignores them.
 */

/** The other side closes in good order. */
export interface Bye {
  sixframe: "bye";
}

/** Asks a service worker for a connection over the port that comes along. */
export interface Connect {
  sixframe: "connect";
  id: string;
  /** How often `stay` will come, in milliseconds; 0 is never. */
  stayMs: number;
}

/** The service worker has taken the port. */
export interface Ready {
  sixframe: "ready";
}

/** Asks a service worker to stay awake for the connection `id`. */
export interface Stay {
  sixframe: "stay";
  id: string;
}

/** The service worker knows no connection `id`: it slept, and forgot. */
export interface Gone {
  sixframe: "gone";
  id: string;
}

/** Comes with the port that `electronBridge.connect(id)` asked for. */
export interface Port {
  sixframe: "port";
  id: string;
}

/** Everything that is not a frame. */
export type PortMessage = Bye | Connect | Ready | Stay | Gone | Port;

/** The message, where it is one of ours. */
export function portMessage(message: unknown): PortMessage | undefined {
  if (typeof message !== "object" || message === null || !("sixframe" in message)) return undefined;
  return typeof message.sixframe === "string" ? (message as PortMessage) : undefined;
}
