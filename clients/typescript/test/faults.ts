/** A transport that misbehaves as its seed says: the same seed, the same faults. */

import type { Frame } from "../src/frame.js";
import type { OnClose, OnFrame, Transport } from "../src/transport.js";
import type { MemoryTransport } from "../src/transports/memory.js";

/** Numbers from 0 to 1 that a seed determines. */
export function chances(seed: number): () => number {
  let state = seed * 2654435761 + 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How likely each fault befalls a message. */
export interface Faults {
  cut: number;
  duplicate: number;
  delay: number;
  truncate: number;
}

/** Puts faults around one end of a connection, in both directions. Order stays; a message that is cut off is text. */
export function faulty(transport: MemoryTransport, faults: Faults, chance: () => number): Transport {
  const pass = (deliver: (text: string) => void) => {
    const waiting: string[] = [];
    let isHeld = false;
    const flush = () => {
      isHeld = false;
      while (waiting.length && !isHeld) deliver(waiting.shift()!);
    };
    return (text: string) => {
      if (chance() < faults.cut) return transport.cut();
      waiting.push(chance() < faults.truncate ? text.slice(0, Math.floor(chance() * text.length)) : text);
      if (chance() < faults.duplicate) waiting.push(text);
      if (isHeld) return;
      if (chance() < faults.delay) {
        isHeld = true;
        setTimeout(flush, chance() * 3);
      } else flush();
    };
  };
  const send = pass((text) => transport._peer._receive(text));
  return {
    start(onFrame: OnFrame, onClose?: OnClose) {
      const receive = pass(onFrame);
      transport.start((message) => receive(message as string), onClose);
    },
    post: (frame: Frame) => send(JSON.stringify(frame)),
    stop: () => transport.stop(),
  };
}
