/** Frames between a page (or a Node process) and a worker that it starts. */
import { listen, MessagePortTransport } from "./message-port.js";
/**
 * A worker that this transport owns: `stop` says goodbye and terminates it.
 *
 * A script that cannot be loaded, and in Node a worker that exits, end the connection. A browser does not tell that a worker
 * hangs or closed itself: give the endpoint `pingMs`.
 */
export class WorkerTransport {
    #worker;
    #port;
    #unlisten = [];
    constructor(worker) {
        this.#worker = worker;
        this.#port = new MessagePortTransport(worker);
    }
    start(onFrame, onClose = () => undefined) {
        let heard = false;
        const end = (reason) => this.#port.end({ clean: false, reason });
        const hear = (message) => {
            heard = true;
            onFrame(message);
        };
        this.#port.start(hear, (closed) => {
            this.#release();
            onClose(closed);
        });
        this.#unlisten = [
            // Later a browser's worker survives its errors; before its first word it is a script that failed to load.
            listen(this.#worker, "error", (event) => {
                if (!heard)
                    end(`the worker failed to start: ${messageOf(event)}`);
            }),
            listen(this.#worker, "exit", (code) => end(`the worker exited with code ${String(code)}`)),
        ];
    }
    post(frame) {
        this.#port.post(frame);
    }
    stop() {
        this.#port.stop();
        this.#release();
    }
    #release() {
        for (const unlisten of this.#unlisten)
            unlisten();
        // What terminating may still throw belongs to nobody.
        listen(this.#worker, "error", () => undefined);
        void this.#worker.terminate();
    }
}
/** Starts a worker each time it is asked: `worker(() => new Worker(new URL("./engine.js", import.meta.url)))`. */
export function worker(create) {
    return () => new WorkerTransport(create());
}
/** The transport inside of the worker: over the worker's own scope, or over Node's `parentPort`. */
export function workerScope(scope = globalThis) {
    return new MessagePortTransport(scope);
}
function messageOf(event) {
    const message = event?.message;
    return typeof message === "string" && message !== "" ? message : "its script could not be loaded";
}
//# sourceMappingURL=worker.js.map