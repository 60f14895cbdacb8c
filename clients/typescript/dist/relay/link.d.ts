/** The relay's way to its upstream: one connection, or, by a connector, one after another with growing pauses between. */
import type { Connector, OnFrame, Transport } from "../transport.js";
/** The pauses between attempts to connect: a random part of a span that doubles with every failure. */
export interface Backoff {
    /** The first span, in milliseconds. Default 100. */
    firstMs: number;
    /** The longest span, in milliseconds. Default 10,000. */
    longestMs: number;
}
/** What a link tells. */
export interface LinkEvents {
    onConnected(transport: Transport): void;
    onFrame: OnFrame;
    /** The connection is over; `isLast` when there will be no other. */
    onLost(reason: string, isLast: boolean): void;
}
export declare class Link {
    #private;
    constructor(upstream: Transport | Connector, backoff: Backoff, events: LinkEvents);
    /** Connects, and never throws: what fails is told. */
    start(): void;
    /** Gives the present connection up. */
    lose(reason: string): void;
    close(): void;
}
