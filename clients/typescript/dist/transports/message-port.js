/**
 * Frames over a `MessagePort`, or anything that posts and receives messages as one does. Frames travel as structured
 * clones; what `transfer()` marked is moved.
 */
import { portMessage } from "./port-message.js";
import { takeTransferables } from "./transfer.js";
/**
 * One end of a port.
 *
 * `stop` says goodbye and closes the port, which is a clean end for the peer. A peer that dies without a word is noticed
 * where the platform tells (the `close` event of ports); elsewhere give the endpoint `pingMs`. A message that cannot be
 * cloned on this side ends the connection, since a frame is missing.
 */
export class MessagePortTransport {
    #target;
    #onFrame = () => undefined;
    #onClose = () => undefined;
    #unlisten = [];
    #open = false;
    constructor(target) {
        this.#target = target;
    }
    start(onFrame, onClose = () => undefined) {
        this.#onFrame = onFrame;
        this.#onClose = onClose;
        this.#open = true;
        this.#unlisten = [
            listen(this.#target, "message", (message) => this.#receive(message)),
            listen(this.#target, "messageerror", () => this.end({ clean: false, reason: "a message could not be cloned" })),
            listen(this.#target, "close", () => this.end({ clean: false, reason: "the other end of the port is gone" })),
        ];
        this.#target.start?.();
    }
    post(frame) {
        if (!this.#open)
            throw new Error("the port is closed");
        this.#target.postMessage(frame, takeTransferables(frame));
    }
    stop() {
        if (!this.#open)
            return;
        this.#release();
        this.#target.postMessage({ sixframe: "bye" }, []);
        this.#target.close?.();
    }
    /** Ends the connection for a reason that the port itself cannot know. */
    end(closed) {
        if (!this.#open)
            return;
        this.#release();
        this.#target.close?.();
        this.#onClose(closed);
    }
    #receive(message) {
        const ours = portMessage(message);
        if (ours === undefined)
            return this.#onFrame(message);
        if (ours.sixframe === "bye")
            this.end({ clean: true, reason: "the peer closed the port" });
    }
    #release() {
        this.#open = false;
        for (const unlisten of this.#unlisten)
            unlisten();
    }
}
/** Listens in the manner of the web, else in that of Node; gives what ends it. */
export function listen(target, type, act) {
    if (target.addEventListener !== undefined) {
        const listener = (event) => act(type === "message" ? event.data : event);
        target.addEventListener(type, listener);
        return () => target.removeEventListener?.(type, listener);
    }
    target.on?.(type, act);
    return () => target.off?.(type, act);
}
//# sourceMappingURL=message-port.js.map