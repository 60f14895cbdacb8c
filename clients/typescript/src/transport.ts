/**
 * What carries frames. A transport knows nothing of calls: frames go in by `post` and come out by `onFrame`, whole and in
 * order. Version 0.2's transports, `{start(onFrame), post(frame), stop()}`, are transports.
 */

import type { Frame } from "./frame.js";
import type { Limits } from "./limits.js";
import type { Session } from "./session.js";

/**
 * Gives what arrived: a frame as an object, or, on transports of text, the message as it was read, for `decode` (only the
 * text shows a key that stands twice, and a relay passes it on as it is).
 */
export type OnFrame = (message: unknown) => void;

/**
 * Says, once, that nothing will arrive any more. `clean` where the peer closed in good order; `reason` for people.
 * A transport that cannot tell (a port, a bridge) never calls it: plug in `heartbeat`.
 */
export type OnClose = (closed: { clean: boolean; reason: string }) => void;

/** A message that is no frame: tells whom it may concern. */
export type Broken = (session: Session) => void;

/** Makes a frame of what arrived, checking it strictly: `decode` of `sixframe/codec`. Undefined for kinds of a later version. */
export type Decode = (message: unknown, limits?: Partial<Limits>) => Frame | Broken | undefined;

/** One connection. */
export interface Transport {
  /** Begins; called once. It may throw or reject: then there is no connection, as where a {@link Connector} rejects. */
  start(onFrame: OnFrame, onClose?: OnClose): void | Promise<void>;
  /** Hands one frame over, in order; throws where that cannot be done. Never waits. */
  post(frame: Frame): void;
  /**
   * Closes what `start` began: in good order, or, where the connection is `lost` and another one will be made, so that the
   * peer does not take it for the end of what was asked for, as far as the transport can tell the two apart. Calling it twice
   * is harmless. `spec: owner.3`
   */
  stop(lost?: boolean): void;
  /** Reads what arrives. Where it is absent, what arrives are frames as objects, from a peer that is trusted with their fields. */
  readonly decode?: Decode | undefined;
  /** Bytes that were posted and have not left yet, where the transport can tell. */
  readonly buffered?: number;
}

/** What an endpoint makes do with: some of version 0.2's transports have nothing to close, and no `stop`. */
export type BareTransport = Omit<Transport, "stop"> & Partial<Pick<Transport, "stop">>;

/**
 * Makes a connection, and, where an endpoint is to reconnect, another one. Rejects where there is none to be had: with an
 * {@link RpcError} where trying again is of no use (`UNAUTHORIZED`), which ends the endpoint and reaches the calls that wait;
 * after any other error it is asked again.
 */
export type Connector<Made extends BareTransport = Transport> = () => Made | Promise<Made>;
