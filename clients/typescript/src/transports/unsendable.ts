/** What becomes of one frame that a transport cannot carry, though it is open: its call fails, and no other. */

import type { Err, Frame } from "../frame.js";
import type { OnFrame } from "../transport.js";

/** Posts the text of a frame; one that has none, such as a circle or a `BigInt`, fails its call. */
export function postAsText(frame: Frame, give: OnFrame, post: (text: string) => void): void {
  let text: string;
  try {
    text = JSON.stringify(frame);
  } catch (error) {
    return failUnsendable(frame, error, give, (instead) => post(JSON.stringify(instead)));
  }
  post(text);
}

/**
 * Fails the call of `frame`, as far as both sides know of it: the caller's side is told by an `err`, the responder's by a
 * `can`. `give` hands a frame to our own endpoint, which is not in the middle of posting by then; `post` sends one.
 */
export function failUnsendable(frame: Frame, error: unknown, give: OnFrame, post: (frame: Frame) => void): void {
  const { kind, cid } = frame;
  const message = `this transport cannot carry it: ${error instanceof Error ? error.message : String(error)}`;
  const failure = (code: string): Err => ({ kind: "err", cid, ok: false, code, message, domain: "common" });
  if (kind === "req") return queueMicrotask(() => give(failure("INVALID_PAYLOAD")));
  if (kind === "nxt" && frame.dir === "up") {
    post({ kind: "can", cid });
    return queueMicrotask(() => give(failure("INVALID_PAYLOAD")));
  }
  // What holds nothing of the application's can always be carried.
  post(failure("INTERNAL"));
  if (kind === "nxt") queueMicrotask(() => give({ kind: "can", cid }));
}
