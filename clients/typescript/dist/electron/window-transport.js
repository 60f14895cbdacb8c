/**
 * One document of a window, as the relay sees it. What is meant for it waits until it listens; how it listens, over the
 * preload's channel or a port, is found out then.
 */
import { Probed } from "../relay/probed.js";
import { MessagePortTransport } from "../transports/message-port.js";
import { FRAME } from "./channels.js";
export class WindowTransport {
    #contents;
    #isUnresponsive;
    #onFrame = () => undefined;
    #onClose = () => undefined;
    /** What carries frames, once the document listens. */
    #carrier;
    #isOver = false;
    /** How the document calls itself, where its preload says so. */
    document;
    /** Takes in frames of the preload's channel. */
    receive = () => undefined;
    constructor(contents, isUnresponsive) {
        this.#contents = contents;
        this.#isUnresponsive = isUnresponsive;
    }
    /** Whether the document listens. */
    get isStarted() {
        return this.#carrier !== undefined;
    }
    /** It listens on the preload's channel. */
    useChannel(document) {
        this.document = document;
        const send = (message) => this.#contents.send(FRAME, message, document);
        this.#use({
            start: (onFrame) => void (this.receive = onFrame),
            post: send,
            stop: () => {
                // To a window that is gone there is no goodbye.
                if (!this.#contents.isDestroyed())
                    send({ sixframe: "bye" });
            },
        });
    }
    /** It listens on a port. */
    usePort(document, port) {
        this.document = document;
        this.#use(new MessagePortTransport(targetOf(port)));
    }
    start(onFrame, onClose = () => undefined) {
        this.#onFrame = onFrame;
        this.#onClose = onClose;
    }
    post(frame) {
        if (this.#carrier === undefined)
            throw new Error("the window does not listen yet");
        this.#carrier.post(frame);
    }
    stop() {
        if (this.#isOver)
            return;
        this.#isOver = true;
        this.#carrier?.stop();
    }
    /** Everything waits for a window that does not listen, or hangs. */
    get buffered() {
        if (this.#carrier === undefined || this.#isUnresponsive())
            return Infinity;
        return this.#carrier.buffered ?? 0;
    }
    #use(transport) {
        const carrier = new Probed(transport);
        this.#carrier = carrier;
        void carrier.start((message) => {
            if (!this.#isOver)
                this.#onFrame(message);
        }, (closed) => {
            if (!this.#isOver)
                this.#onClose(closed);
        });
    }
}
/** Electron's ports give their messages within an event, as pages do, but by `on`. */
function targetOf(port) {
    return {
        postMessage: (message) => port.postMessage(message),
        on: (type, listener) => {
            if (type === "message")
                port.on("message", ({ data }) => listener(data));
            if (type === "close")
                port.on("close", () => listener(undefined));
        },
        start: () => port.start(),
        close: () => port.close(),
    };
}
//# sourceMappingURL=window-transport.js.map