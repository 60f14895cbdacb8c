/** What a page runs: every vector, by the same player. */

import { play } from "./player.js";
import type { File } from "./script.js";

/** The failures, by the vectors' names. */
export function playAll(files: Record<string, File>): { count: number; failures: string[] } {
  const failures: string[] = [];
  let count = 0;
  for (const [file, { vectors }] of Object.entries(files)) {
    for (const vector of vectors) {
      count++;
      try {
        play(vector);
      } catch (error) {
        failures.push(`${file}: ${vector.name}: ${(error as Error).message}`);
      }
    }
  }
  return { count, failures };
}

Object.assign(globalThis, { playAll });
