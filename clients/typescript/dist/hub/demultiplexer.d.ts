/**
 * Splits what one stream carries by a name, such as the method of a frame or the type of an event, so that many consumers
 * share one subscription.
 */
/** Options of a demultiplexer. */
export interface DemultiplexerOptions {
    /** How many values wait for a consumer that lags, before the oldest are left out. 1,024 by default. */
    bound?: number;
}
/** The values of one name. Iterating ends it when it stops. */
export interface Channel<T> extends AsyncIterableIterator<T> {
    /** How many values were left out because the consumer lagged. */
    readonly skipped: number;
    return(): Promise<IteratorResult<T>>;
}
/**
 * One source, split by name. `of("agent.message")` gives the values of one name, `of("agent.")` those of every name that
 * begins so.
 *
 * ```ts
 * const frames = new Demultiplexer<Nxt>((frame) => frame.method);
 * new RpcEndpoint(transport, { onFrame: (frame) => frame.kind === "nxt" && frames.push(frame) });
 * for await (const { data } of frames.of("agent.message")) …
 * ```
 */
export declare class Demultiplexer<T> {
    #private;
    /** `nameOf` says the name of a value; values without one reach nobody. */
    constructor(nameOf: (value: T) => string | undefined, options?: DemultiplexerOptions);
    /** The values of `name`, or, where it ends with a dot, of every name that begins with it; those from now on. */
    of(name: string): Channel<T>;
    /** Hands a value to the consumers of its name. Costs one look at each of them. */
    push(value: T): void;
    /** Hands over everything that `source` gives; its end and its error reach all consumers. */
    feed(source: AsyncIterable<T>): Promise<void>;
    /** Ends every consumer, with `error` if there is one, after what waits for it. */
    end(cause?: {
        error?: unknown;
    }): void;
}
