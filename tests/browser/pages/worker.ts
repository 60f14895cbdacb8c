/** A dedicated worker that serves the page that started it. */

import { RpcEndpoint } from "sixframe";
import { workerScope } from "sixframe/transports/worker";

const endpoint = new RpcEndpoint(workerScope());
const instance = crypto.randomUUID();
endpoint.register("instance", () => instance);
endpoint.register("sum", (bytes: Uint8Array) => bytes.reduce((sum, byte) => sum + byte, 0));
endpoint.register("die", () => (globalThis as unknown as { close(): void }).close());
endpoint.start();
