/**
 * What carries frames. A transport knows nothing of calls: frames go in by `post` and come out by `onFrame`, whole and in
 * order. Version 0.2's transports, `{start(onFrame), post(frame), stop()}`, are transports.
 */
import type { Frame } from "./frame.js";
/**
 * Gives what arrived: a frame as an object, or, on transports of text, the message as it was read (the endpoint decodes it,
 * because only the text shows a key that stands twice).
 */
export type OnFrame = (message: unknown) => void;
/**
 * Says, once, that nothing will arrive any more. `clean` where the peer closed in good order; `reason` for people.
 * A transport that cannot tell (a port, a bridge) never calls it: give the endpoint `pingMs`.
 */
export type OnClose = (closed: {
    clean: boolean;
    reason: string;
}) => void;
/** One connection. */
export interface Transport {
    /** Begins; called once. It may throw or reject: then there is no connection. */
    start(onFrame: OnFrame, onClose?: OnClose): void | Promise<void>;
    /** Hands one frame over, in order; throws where that cannot be done. Never waits. */
    post(frame: Frame): void;
    /** Closes in good order what `start` began. Calling it twice is harmless. */
    stop(): void;
    /** Bytes that were posted and have not left yet, where the transport can tell. */
    readonly buffered?: number;
}
/** Makes a connection, and, where an endpoint is to reconnect, another one. Rejects where there is none to be had. */
export type Connector = () => Transport | Promise<Transport>;
