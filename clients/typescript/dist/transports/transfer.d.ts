/**
 * Moving bytes instead of copying them. A value is marked where it is made; the transport that posts it, if it can move
 * anything, finds the mark. It knows no frames.
 */
/**
 * Marks `value`, so that posting it within a payload, a result or an item moves it: its bytes are then gone on this side.
 * On transports that carry text it changes nothing.
 *
 * `list` says what is to be moved; by default that is the value itself, or its buffer where it is a view of one.
 */
export declare function transfer<T extends object>(value: T, list?: readonly Transferable[]): T;
/** What is marked within `message`; each mark counts once. */
export declare function takeTransferables(message: unknown): Transferable[];
