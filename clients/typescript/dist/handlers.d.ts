/** Runs handlers: what they return becomes an answer or a stream, and what they throw an error. */
import { Context } from "./context.js";
import type { RpcEndpoint } from "./endpoint.js";
import type { OnLag } from "./frame.js";
import { type Request } from "./session/requests.js";
/** What is declared of a method beside its handler. */
export interface HandlerOptions {
    /** What happens to items for which there is no credit, where the consumer does not choose. Default `block`. `spec: fc.8` */
    onLag?: OnLag;
    /** Whether the caller sends items too, which the handler takes from `context.uploads`. Needs `use: [uploads]`. */
    uploads?: boolean;
}
/** A registered handler. */
export interface Handle {
    handler: (payload: unknown, context: Context) => unknown;
    options: HandlerOptions;
}
/** Starts the handler of a request. */
export declare function answer(endpoint: RpcEndpoint, request: Request, handle: Handle | undefined): void;
