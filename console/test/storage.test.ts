/** A browser that keeps nothing, because that is forbidden or because there is no room: the page works without. */

import { afterEach, expect, test, vi } from "vitest";

import { keeping, type Keeping } from "../src/storage.js";

const forbidden = (): never => {
  throw new DOMException("the storage is forbidden", "SecurityError");
};

function kept(entries: Record<string, string>, room = Infinity): Keeping & { all: Map<string, string> } {
  const all = new Map(Object.entries(entries));
  return {
    all,
    getItem: (key) => all.get(key) ?? null,
    setItem: (key, value) => {
      if (value.length > room) throw new DOMException("there is no room", "QuotaExceededError");
      all.set(key, value);
    },
    removeItem: (key) => void all.delete(key),
  };
}

test("what the browser keeps is asked of it", () => {
  const browser = kept({ theme: "dark" });
  const storage = keeping(() => browser);
  storage.setItem("folder", "/srv");
  storage.removeItem("theme");
  expect([[...browser.all], storage.getItem("folder"), storage.getItem("theme")]).toEqual([[["folder", "/srv"]], "/srv", null]);
});

test("what there is no room for is kept for as long as the page is there, and not longer than another value is", () => {
  const browser = kept({ draft: "old" }, 5);
  const storage = keeping(() => browser);
  storage.setItem("draft", "too long");
  expect([storage.getItem("draft"), browser.all.get("draft")]).toEqual(["too long", "old"]);
  storage.setItem("draft", "short");
  expect([storage.getItem("draft"), browser.all.get("draft")]).toEqual(["short", "short"]);
  browser.all.set("draft", "other");
  expect(storage.getItem("draft")).toBe("other");
});

test("where it is forbidden nothing fails, also where it became so later", () => {
  const storage = keeping(forbidden);
  expect(storage.getItem("theme")).toBeNull();
  storage.setItem("theme", "dark");
  expect(storage.getItem("theme")).toBe("dark");
  storage.removeItem("theme");
  expect(storage.getItem("theme")).toBeNull();
  const browser = kept({ theme: "dark" });
  const later = keeping(() => ({ ...browser, removeItem: forbidden }));
  later.removeItem("theme");
  expect(later.getItem("theme")).toBeNull();
});

const STORAGES = ["localStorage", "sessionStorage"] as const;
const usual = STORAGES.map((name) => Object.getOwnPropertyDescriptor(globalThis, name) as PropertyDescriptor);

afterEach(() => STORAGES.forEach((name, at) => Object.defineProperty(globalThis, name, usual[at] as PropertyDescriptor)));

test("a page begins without any, and takes choices", async () => {
  vi.resetModules();
  for (const name of STORAGES) Object.defineProperty(globalThis, name, { get: forbidden, configurable: true });
  const [{ Console }, { Agents }, { nameOfWindow }, { enter }, { ofWindow, lasting }, { keepTyped }, theme] = await Promise.all([
    import("../src/console.js"), import("../src/chat/agents.js"), import("../src/window-name.js"), import("../src/session.js"),
    import("../src/storage.js"), import("../src/chat/kept-typed.js"), import("../src/theme.js"),
  ]);
  const agents = new Agents(undefined as never, undefined as never, undefined as never);
  keepTyped(agents.typed, ofWindow, await nameOfWindow(ofWindow, undefined));
  agents.choose("ses_1");
  theme.choose("dark");
  agents.typed.write("ses_1", "half a thought");
  window.dispatchEvent(new Event("pagehide"));
  const fetch = (): Promise<Response> => Promise.resolve(Response.json({ token: "session", expiresInMs: 1 }));
  const entry = await enter({ location: { hash: "#ticket=once", pathname: "/", search: "" }, history: window.history, storage: lasting, fetch });
  expect([typeof Console, agents.chosen.get(), theme.theme.get(), entry]).toEqual(["function", "ses_1", "dark", { kind: "in", token: "session" }]);
});
