import { RpcError } from "sixframe";
import { expect, test, vi } from "vitest";

import type { TappedFrame } from "../src/api.js";
import { FrameLog } from "../src/frames/frame-log.js";
import { TapSource } from "../src/frames/tap-source.js";

/** A link that counts the taps that are open, and tells each of them what is tapped. */
function linked() {
  const taps = new Set<(result: IteratorResult<TappedFrame>) => void>();
  let asked = 0;
  const stream = (): AsyncIterableIterator<unknown> => {
    asked += 1;
    let pending: ((result: IteratorResult<TappedFrame>) => void) | undefined;
    const tell = (result: IteratorResult<TappedFrame>): void => pending?.(result);
    taps.add(tell);
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () => new Promise((resolve) => (pending = resolve)),
      return: async () => {
        taps.delete(tell);
        tell({ done: true, value: undefined });
        return { done: true, value: undefined };
      },
    };
  };
  return { link: { stream, request: () => new Promise(() => undefined) } as never, taps, asked: () => asked };
}

test("a tap that is closed and opened at once is one tap", async () => {
  vi.useFakeTimers();
  try {
    const { link, taps, asked } = linked();
    const log = new FrameLog(1 << 20, (run) => run());
    const tap = new TapSource(link, log);
    tap.open();
    await vi.advanceTimersByTimeAsync(0);
    tap.close();
    tap.open();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([asked(), taps.size]).toEqual([2, 1]);
    const frame = { kind: "req", cid: "1", method: "m" };
    const value = { connection: 1, transport: "stdio", direction: "received", ts: 1, frame } as unknown as TappedFrame;
    for (const tell of taps) tell({ done: false, value });
    await vi.advanceTimersByTimeAsync(0);
    expect(log.length).toBe(1);
    tap.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([asked(), taps.size]).toEqual([2, 0]);
  } finally {
    vi.useRealTimers();
  }
});

test("a tap goes on behind a frame that was too large for a message", async () => {
  vi.useFakeTimers();
  try {
    let asked = 0;
    const refused = new RpcError("RESOURCE_EXHAUSTED", "depth limit of 64 reached", { limit: "depth" });
    const next = (): Promise<never> => (asked === 1 ? Promise.reject(refused) : new Promise(() => undefined));
    const stream = () => {
      asked += 1;
      return { [Symbol.asyncIterator]: () => ({ next }), return: async () => undefined };
    };
    const tap = new TapSource({ stream, request: () => new Promise(() => undefined) } as never, new FrameLog(1 << 20, (run) => run()));
    tap.open();
    await vi.advanceTimersByTimeAsync(0);
    expect(tap.failure.get()?.message).toContain("depth limit");
    await vi.advanceTimersByTimeAsync(60_000);
    expect([asked, tap.failure.get()]).toEqual([2, undefined]);
    tap.close();
  } finally {
    vi.useRealTimers();
  }
});
