/** What can be plugged into a session: each part is asked where it is there, and costs nothing where it is not. */

import type { RpcError } from "../errors.js";
import type { ReceivedAhead, SentAhead } from "../flow.js";
import type { Req } from "../frame.js";
import type { CallSpec, Exchange, Millis } from "./exchange.js";

/** Requests that start one after another, where that is plugged in. */
export interface LanePart {
  /** @internal True where the request must wait for its lane. */
  _enter(request: Exchange): boolean;
  /** @internal The request leaves its lane, whether it held it or waited; the one that starts now is returned. */
  _release(request: Exchange): Exchange | undefined;
  /** @internal The connection is over. */
  _clear(): void;
}

/** Bounds on what a peer may do and on what is queued for it, where they are plugged in. */
export interface BoundsPart {
  /** @internal Throws where a call may not be made. */
  _mayCall(spec: CallSpec): void;
  /** @internal Why a request is refused. */
  _refusal(now: Millis, req: Req, size: number): RpcError | undefined;
  /** @internal Why a stream is refused. */
  _streamRefusal(): RpcError | undefined;
  /** @internal True where a request must wait until less is queued; it will be started then. */
  _holds(request: Exchange): boolean;
  /** @internal Something has changed; `isProgress` where the transport took a frame. */
  _keep(now: Millis, isProgress?: boolean): void;
  /** @internal The connection is over. */
  _clear(): void;
}

/** How bytes that are sent ahead are counted, where that is plugged in. */
export interface AheadPart {
  /** @internal For a producer whose consumer bounds them. */
  _producer(bytes: number): SentAhead;
  /** @internal For a consumer. */
  _consumer(): ReceivedAhead | undefined;
}
