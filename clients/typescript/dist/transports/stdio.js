/** Frames over two streams of bytes: a program's standard input and output, or a child's, seen from its parent. */
import { decoder, encode, FramingError } from "./framing.js";
/**
 * Frames over bytes.
 *
 * The input's end between two messages is a clean end; within one, or by an error of either stream, it is not. `stop` ends
 * the output and reads no more.
 */
export class StdioTransport {
    #input;
    #output;
    #framing;
    #messageBytes;
    #release = () => undefined;
    #open = false;
    constructor(options = {}) {
        const standard = globalThis.process;
        const input = options.input ?? standard?.stdin;
        const output = options.output ?? standard?.stdout;
        if (input === undefined || output === undefined)
            throw new Error("there is no standard input and output here");
        this.#input = input;
        this.#output = output;
        this.#framing = options.framing ?? "newline";
        this.#messageBytes = options.messageBytes ?? 16 * 1024 * 1024;
    }
    start(onFrame, onClose = () => undefined) {
        this.#open = true;
        const over = (clean, reason) => {
            if (!this.#open)
                return;
            this.#release();
            onClose({ clean, reason });
        };
        const messages = decoder(this.#framing, this.#messageBytes, (message) => {
            if (this.#open)
                onFrame(message);
        });
        const data = (bytes) => {
            try {
                messages.push(bytes);
            }
            catch (error) {
                // What the receiver of a frame throws is not ours.
                if (!(error instanceof FramingError))
                    throw error;
                over(false, error.message);
            }
        };
        const end = () => over(messages.between, messages.between ? "the input ended" : "the input ended within a message");
        const failed = (error) => over(false, error.message);
        this.#output.on("error", failed);
        this.#input.on("error", failed);
        this.#input.on("end", end);
        this.#input.on("close", end);
        this.#input.on("data", data);
        this.#release = () => {
            this.#open = false;
            // The listeners for errors stay: a late one must not end the process.
            this.#input.removeListener("end", end);
            this.#input.removeListener("close", end);
            this.#input.removeListener("data", data);
            this.#input.pause();
        };
    }
    post(frame) {
        this.postText(JSON.stringify(frame));
    }
    /** Sends a frame that is text already, byte for byte. It must not hold a line feed where lines are messages. */
    postText(text) {
        if (!this.#open)
            throw new Error("the connection is closed");
        this.#output.write(encode(text, this.#framing));
    }
    stop() {
        if (!this.#open)
            return;
        this.#release();
        this.#output.end();
    }
    /** Bytes that the stream has not passed on yet. */
    get buffered() {
        return this.#output.writableLength;
    }
}
//# sourceMappingURL=stdio.js.map