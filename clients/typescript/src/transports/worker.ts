/** Frames between a page (or a Node process) and a worker that it starts. */

import type { Frame } from "../frame.js";
import type { Connector, OnClose, OnFrame, Transport } from "../transport.js";
import { listen, MessagePortTransport, type MessageTarget } from "./message-port.js";

/** A worker as this side sees it. */
export interface WorkerTarget extends MessageTarget {
  terminate(): unknown;
}

/**
 * A worker that this transport owns: `stop` says goodbye and terminates it.
 *
 * A script that cannot be loaded, and in Node a worker that exits, end the connection. A browser does not tell that a worker
 * hangs or closed itself: give the endpoint `pingMs`.
 */
export class WorkerTransport implements Transport {
  readonly #worker: WorkerTarget;
  readonly #port: MessagePortTransport;
  #unlisten: (() => void)[] = [];

  constructor(worker: WorkerTarget) {
    this.#worker = worker;
    this.#port = new MessagePortTransport(worker);
  }

  start(onFrame: OnFrame, onClose: OnClose = () => undefined): void {
    let heard = false;
    const end = (reason: string) => this.#port.end({ clean: false, reason });
    const hear: OnFrame = (message) => {
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
        if (!heard) end(`the worker failed to start: ${messageOf(event)}`);
      }),
      listen(this.#worker, "exit", (code) => end(`the worker exited with code ${String(code)}`)),
    ];
  }

  post(frame: Frame): void {
    this.#port.post(frame);
  }

  stop(): void {
    this.#port.stop();
    this.#release();
  }

  #release(): void {
    for (const unlisten of this.#unlisten) unlisten();
    // What terminating may still throw belongs to nobody.
    listen(this.#worker, "error", () => undefined);
    void this.#worker.terminate();
  }
}

/** Starts a worker each time it is asked: `worker(() => new Worker(new URL("./engine.js", import.meta.url)))`. */
export function worker(create: () => WorkerTarget): Connector {
  return () => new WorkerTransport(create());
}

/**
 * The transport inside of the worker: over the worker's own scope, or over Node's `parentPort`. Its end is not the worker's,
 * which may have other things to do.
 */
export function workerScope(scope: MessageTarget = globalThis as unknown as MessageTarget): Transport {
  const isWeb = scope.addEventListener !== undefined;
  // Without the scope's `close`, which would end the worker.
  return new MessagePortTransport({
    postMessage: (message, transfer) => scope.postMessage(message, transfer),
    on: (type, act) => (isWeb ? undefined : scope.on?.(type, act)),
    off: (type, act) => (isWeb ? undefined : scope.off?.(type, act)),
    start: () => scope.start?.(),
    ...(isWeb && {
      addEventListener: (type, act) => scope.addEventListener?.(type, act),
      removeEventListener: (type, act) => scope.removeEventListener?.(type, act),
    }),
  });
}

function messageOf(event: unknown): string {
  const message = (event as { message?: unknown } | null)?.message;
  return typeof message === "string" && message !== "" ? message : "its script could not be loaded";
}
