import { expect, test } from "vitest";

import { nameOfWindow, type Locks } from "../src/window-name.js";

/** Locks of a browser: who holds one has it for good. */
function browser(): Locks {
  const held = new Set<string>();
  return {
    request: async (name, { signal }, run) => {
      if (!held.has(name)) return held.add(name), run();
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
    },
  };
}

function tab(kept?: string): Pick<Storage, "getItem" | "setItem"> {
  let name = kept ?? null;
  return { getItem: () => name, setItem: (_, value) => void (name = value) };
}

test("a window keeps its name over a reload, and a copy of it takes another", async () => {
  const first = tab();
  const locks = browser();
  const name = await nameOfWindow(first, locks);
  expect(first.getItem("")).toBe(name);
  expect(await nameOfWindow(tab(name), browser())).toBe(name);
  const copy = tab(name);
  const other = await nameOfWindow(copy, locks);
  expect(other).not.toBe(name);
  expect(copy.getItem("")).toBe(other);
  expect(await nameOfWindow(tab(name), undefined)).toBe(name);
});
