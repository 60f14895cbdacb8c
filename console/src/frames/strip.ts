/** The frames of a call over time, in so many columns as there is room for. */

import type { Seen } from "./frame-log.js";

/** One column of the strip. */
export interface Column {
  received: number;
  sent: number;
  /** Whether an error is among them. */
  failed: boolean;
}

export interface Strip {
  columns: readonly Column[];
  /** Milliseconds from the first frame to the last. */
  span: number;
  /** The most frames in one column. */
  most: number;
}

/** Sorts frames into `width` columns by their time. */
export function stripOf(frames: readonly Seen[], width: number): Strip {
  const columns: Column[] = Array.from({ length: width }, () => ({ received: 0, sent: 0, failed: false }));
  const first = frames[0]?.at ?? 0;
  const span = Math.max((frames.at(-1)?.at ?? first) - first, 0);
  for (const { at, direction, frame } of frames) {
    const column = columns[span === 0 ? 0 : Math.min(width - 1, Math.floor(((at - first) / span) * width))] as Column;
    column[direction] += 1;
    column.failed ||= typeof frame === "object" && frame["kind"] === "err";
  }
  return { columns, span, most: columns.reduce((most, { received, sent }) => Math.max(most, received + sent), 1) };
}
