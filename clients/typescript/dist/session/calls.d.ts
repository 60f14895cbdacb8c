/** The caller's side: calls from their first frame to their outcome. */
import { RpcError } from "../errors.js";
import type { Err } from "../frame.js";
import type { Session } from "../session.js";
import { type CallSpec, Exchange, type Millis, type Outcome } from "./exchange.js";
/** Makes a call. Throws an {@link RpcError} where that cannot be done. */
export declare function makeCall(s: Session, now: Millis, spec: CallSpec): Exchange;
/** Settles a call on this side and tells the peer. `spec: cancel.1` */
export declare function abortCall(s: Session, now: Millis, call: Exchange, error: RpcError): void;
/** Issues a call, or issues it again under a new `cid`. */
export declare function issue(s: Session, now: Millis, call: Exchange): void;
/** The call waits for a connection, or for the moment of its next try. */
export declare function detach(s: Session, call: Exchange): void;
/** A call is over: nothing of it is sent any more, and whoever waits for it learns how it ended. */
export declare function settle(s: Session, call: Exchange, outcome: Outcome): void;
/** The peer has failed a call, or a stream of ours that may go on elsewhere. Always true: it concerns something. */
export declare function onErr(s: Session, now: Millis, call: Exchange, { code, message, details, domain }: Err): boolean;
/** Whether the stream may be issued again after a break. `spec: resume.2, up.9` */
export declare function canResume({ spec, _in, _out }: Exchange): boolean;
/** What fails when time is up. */
export declare function timeout(message: string): RpcError;
