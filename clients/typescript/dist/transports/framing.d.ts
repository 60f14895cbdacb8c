/** How messages are told apart in a stream of bytes: the writing of one, the reading of many. It knows no streams. */
/**
 * `newline`: one message a line. `content-length`: headers before each, as in LSP. `native`: four bytes of length in the
 * machine's order before each, as browsers speak to native messaging hosts.
 */
export type Framing = "newline" | "content-length" | "native";
/** Takes bytes in pieces of any size and gives whole messages. */
export interface Decoder {
    /** Takes the next bytes. Throws where they break the framing, or where a message exceeds the limit: it is then over. */
    push(bytes: Uint8Array): void;
    /** Whether the bytes so far end between two messages. */
    readonly between: boolean;
}
/** The bytes mean nothing from here on. */
export declare class FramingError extends Error {
    readonly name = "FramingError";
}
/** One message as bytes. Throws where a native messaging host would say more than a browser takes. */
export declare function encode(text: string, framing: Framing): Uint8Array;
/** A reader for one stream, which gives each message to `take`: its text, or its bytes where they are no UTF-8. */
export declare function decoder(framing: Framing, messageBytes: number, take: (message: string | Uint8Array) => void): Decoder;
