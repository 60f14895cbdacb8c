import { expect, test } from "vitest";

import { daemonNow, learnTime } from "../src/daemon-time.js";
import { enter, hasTicket, type Surroundings } from "../src/session.js";

interface Asked {
  headers: Record<string, string>;
  body: string | undefined;
}

function surroundings(
  hash: string,
  kept: string | null,
  answer: (asked: Asked) => Response | Promise<never>,
): Surroundings & { asked: Asked[]; address: string[]; kept: () => string | null } {
  const store = new Map<string, string>(kept === null ? [] : [["sixframe.session", kept]]);
  const asked: Asked[] = [];
  const address: string[] = [];
  return {
    asked,
    address,
    kept: () => store.get("sixframe.session") ?? null,
    location: { hash, pathname: "/", search: "" },
    history: {
      replaceState: (_state: unknown, _title: string, url?: string | URL | null) => void address.push(String(url)),
    },
    storage: {
      getItem: (key) => store.get(key) ?? null,
      setItem: (key, value) => void store.set(key, value),
      removeItem: (key) => void store.delete(key),
    },
    fetch: async (_url, init) => {
      const one = { headers: init?.headers as Record<string, string>, body: init?.body as string | undefined };
      asked.push(one);
      return answer(one);
    },
  };
}

const good = (token: string): Response => Response.json({ token, expiresInMs: 1 });
const bad = (): Response => new Response("this link was used before\n", { status: 401 });

test("a ticket leaves the address before anybody is asked, and becomes a session that is kept", async () => {
  const page = surroundings("#ticket=once&panel=frames", null, () => {
    expect(page.address).toEqual(["/#panel=frames"]);
    return good("session");
  });
  expect(hasTicket(page.location)).toBe(true);
  expect(await enter(page)).toEqual({ kind: "in", token: "session" });
  expect(page.asked).toEqual([{ headers: { "content-type": "application/json" }, body: '{"ticket":"once"}' }]);
  expect(page.kept()).toBe("session");
});

test("a page without a ticket renews the session that it kept", async () => {
  const page = surroundings("#frames", "old", () => good("new"));
  expect(await enter(page)).toEqual({ kind: "in", token: "new" });
  expect(page.asked[0]?.headers).toEqual({ authorization: "Bearer old" });
  expect(page.address).toEqual([]);
  expect(page.kept()).toBe("new");
});

test("a used ticket does not put out who is in", async () => {
  const page = surroundings("#ticket=used", "old", ({ body }) => (body === undefined ? good("new") : bad()));
  expect(await enter(page)).toEqual({ kind: "in", token: "new" });
});

test("who has neither is told why, and an ended session is forgotten", async () => {
  expect(await enter(surroundings("", null, bad))).toEqual({ kind: "out", why: "" });
  expect(await enter(surroundings("#ticket=used", null, bad))).toEqual({ kind: "out", why: "this link was used before" });
  const page = surroundings("", "ended", bad);
  expect(await enter(page)).toEqual({ kind: "out", why: "this link was used before" });
  expect(page.kept()).toBeNull();
});

test("a daemon that is away is no reason to forget the session", async () => {
  const page = surroundings("", "kept", () => Promise.reject(new TypeError("failed to fetch")));
  expect(await enter(page)).toEqual({ kind: "unreachable" });
  expect(page.kept()).toBe("kept");
});

test("what the daemon says of times is compared with its own clock", () => {
  const now = Date.UTC(2026, 0, 1, 12);
  learnTime("Thu, 01 Jan 2026 12:00:01 GMT", now);
  expect(Math.abs(daemonNow() - Date.now())).toBeLessThan(500);
  learnTime("Thu, 01 Jan 2026 11:45:00 GMT", now);
  expect(Math.abs(daemonNow() - Date.now() + 900_000)).toBeLessThan(500);
  learnTime(null, now);
  expect(Math.abs(daemonNow() - Date.now() + 900_000)).toBeLessThan(500);
  learnTime(new Date().toUTCString());
});
