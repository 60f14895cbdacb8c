/**
 * What waits for one transport, and when it is posted: as long as the transport has room. Control goes first. It does not
 * know what a call is.
 */
import type { Transport } from "../transport.js";
import type { Message } from "./message.js";
/** What gives the messages, and hears of their fate. */
export interface Source {
    /** The next message, which then counts as handed over. */
    next(): Message | undefined;
    /** Whether there is one. */
    readonly hasNext: boolean;
    /** Something was handed over. */
    progressed(): void;
    /** The transport took no message. */
    failed(reason: string): void;
}
export declare class Outlet {
    #private;
    constructor(source: Source);
    /** Posts to `transport` from now on, or to nobody. */
    connect(transport: Transport | undefined): void;
    /** Posts what waits, as far as there is room. */
    pump(): void;
}
