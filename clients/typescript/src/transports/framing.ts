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

/** The bytes mean nothing from here on; or, where one is written, a message that cannot be. */
export class FramingError extends Error {
  override readonly name = "FramingError";
}

/** The most bytes that a browser takes from its native messaging host. */
const NATIVE_LIMIT = 1024 * 1024;

/** The longest header of one message. */
const HEADER_LIMIT = 8 * 1024;

const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
const NEWLINE = 10;
const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** One message as bytes. Throws where a native messaging host would say more than a browser takes. */
export function encode(text: string, framing: Framing): Uint8Array {
  const body = encoder.encode(text);
  switch (framing) {
    case "newline":
      return joined([body, Uint8Array.of(NEWLINE)]);
    case "content-length":
      return joined([encoder.encode(`Content-Length: ${body.length}\r\n\r\n`), body]);
    case "native":
      return joined([nativeHeader(body.length), body]);
  }
}

/** A reader for one stream, which gives each message to `take`: its text, or its bytes where they are no UTF-8. */
export function decoder(framing: Framing, messageBytes: number, take: (message: string | Uint8Array) => void): Decoder {
  switch (framing) {
    case "newline":
      return new LineDecoder(messageBytes, take);
    case "content-length":
      return new LengthDecoder(contentLength, messageBytes, take);
    case "native":
      return new LengthDecoder(nativeLength, messageBytes, take);
  }
}

class LineDecoder implements Decoder {
  readonly #limit: number;
  readonly #take: (message: string | Uint8Array) => void;
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(limit: number, take: (message: string | Uint8Array) => void) {
    this.#limit = limit;
    this.#take = take;
  }

  get between(): boolean {
    return this.#bytes === 0;
  }

  push(bytes: Uint8Array): void {
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
      this.#keep(bytes.subarray(from, at));
      from = at + 1;
      const line = text(joined(this.#pieces));
      this.#pieces = [];
      this.#bytes = 0;
      if (typeof line !== "string" || line.trim() !== "") this.#take(line);
    }
    this.#keep(bytes.slice(from));
  }

  #keep(piece: Uint8Array): void {
    this.#bytes += piece.length;
    if (this.#bytes > this.#limit) throw tooLong(this.#bytes, this.#limit);
    if (piece.length > 0) this.#pieces.push(piece);
  }
}

/** The length of a header and that of the body behind it; nothing while the header is incomplete. */
type ReadHeader = (bytes: Uint8Array) => { header: number; body: number } | undefined;

class LengthDecoder implements Decoder {
  readonly #readHeader: ReadHeader;
  readonly #limit: number;
  readonly #take: (message: string | Uint8Array) => void;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  /** How many bytes the next step needs. */
  #needed = 1;

  constructor(readHeader: ReadHeader, limit: number, take: (message: string | Uint8Array) => void) {
    this.#readHeader = readHeader;
    this.#limit = limit;
    this.#take = take;
  }

  get between(): boolean {
    return this.#bytes === 0;
  }

  push(bytes: Uint8Array): void {
    this.#pieces.push(bytes.slice());
    this.#bytes += bytes.length;
    while (this.#bytes >= this.#needed && this.#bytes > 0) {
      const all = joined(this.#pieces);
      this.#pieces = [all];
      const found = this.#readHeader(all);
      if (found === undefined) {
        this.#needed = this.#bytes + 1;
        return;
      }
      if (found.body > this.#limit) throw tooLong(found.body, this.#limit);
      const end = found.header + found.body;
      this.#needed = end;
      if (all.length < end) return;
      this.#pieces = [all.subarray(end)];
      this.#bytes = all.length - end;
      this.#needed = 1;
      this.#take(text(all.subarray(found.header, end)));
    }
  }
}

function contentLength(bytes: Uint8Array): { header: number; body: number } | undefined {
  const head = latin(bytes.subarray(0, HEADER_LIMIT));
  const end = head.indexOf("\r\n\r\n");
  if (end < 0) {
    if (bytes.length >= HEADER_LIMIT) throw new FramingError(`no end of the headers within ${HEADER_LIMIT} bytes`);
    return undefined;
  }
  const lengths = head
    .slice(0, end)
    .split("\r\n")
    .filter((line) => /^content-length[ \t]*:/i.test(line));
  const length = /:[ \t]*(\d{1,15})[ \t]*$/.exec(lengths[0] ?? "")?.[1];
  if (lengths.length !== 1 || length === undefined) throw new FramingError("a message without one Content-Length");
  return { header: end + 4, body: Number(length) };
}

function nativeLength(bytes: Uint8Array): { header: number; body: number } | undefined {
  if (bytes.length < 4) return undefined;
  return { header: 4, body: new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, LITTLE_ENDIAN) };
}

function nativeHeader(length: number): Uint8Array {
  if (length > NATIVE_LIMIT) {
    throw new FramingError(`a frame of ${length} bytes: browsers take at most ${NATIVE_LIMIT} from a native messaging host`);
  }
  const header = new Uint8Array(4);
  new DataView(header.buffer).setUint32(0, length, LITTLE_ENDIAN);
  return header;
}

function tooLong(bytes: number, limit: number): Error {
  return new FramingError(`a message of at least ${bytes} bytes exceeds the limit of ${limit}; raise it with messageBytes`);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1 && pieces[0] !== undefined) return pieces[0];
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

function latin(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

/** A message's text; what is no UTF-8 stays bytes, which whoever decodes frames will refuse. */
function text(bytes: Uint8Array): string | Uint8Array {
  try {
    return strict.decode(bytes);
  } catch {
    return bytes;
  }
}
