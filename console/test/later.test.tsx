import { act, fireEvent, render, screen } from "@testing-library/react";
import type { FunctionComponent } from "react";
import { expect, test, vi } from "vitest";

import type { Standing } from "../src/connection.js";
import { EnvironmentProvider, type Environment } from "../src/shell/environment.js";
import { later } from "../src/shell/later.js";
import { Store } from "../src/store.js";

interface Made {
  Content: FunctionComponent;
  standing: Store<Standing>;
  fetched: ReturnType<typeof vi.fn>;
  load: () => Promise<void>;
}

/** A part of which the first `failures` fetches fail, beside a connection. */
function made(failures = 1): Made {
  const fetched = vi.fn<() => Promise<() => string>>();
  for (let at = 0; at < failures; at += 1) fetched.mockRejectedValueOnce(new TypeError("Failed to fetch dynamically imported module"));
  fetched.mockResolvedValue(() => "the panel");
  const { Content, load } = later(fetched);
  expect(fetched).not.toHaveBeenCalled();
  const standing = new Store<Standing>({ phase: "open", since: 0, reconnects: 0 });
  return { Content, standing, fetched, load: () => load(standing) };
}

function show({ Content, standing }: Made): void {
  render(
    <EnvironmentProvider value={{ connection: { standing } } as unknown as Environment}>
      <Content />
    </EnvironmentProvider>,
  );
}

function become({ standing }: Made, phase: Standing["phase"], reconnects: number): void {
  act(() => standing.set({ phase, since: 1, reconnects }));
}

test("a part of the page is fetched once, when it is shown, and says when that fails", async () => {
  const part = made();
  show(part);
  expect(screen.getByRole("status").textContent).toBe("Loading…");
  await screen.findByText(/could not be loaded/);
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  await screen.findByText("the panel");
  await part.load();
  expect(part.fetched).toHaveBeenCalledTimes(2);
});

test("a part that went down with the connection is fetched again when that is back", async () => {
  const part = made();
  show(part);
  await screen.findByText(/could not be loaded/);
  become(part, "lost", 0);
  expect(screen.queryByRole("alert")).toBeNull();
  expect(part.fetched).toHaveBeenCalledTimes(1);
  become(part, "open", 1);
  await screen.findByText("the panel");
  expect(part.fetched).toHaveBeenCalledTimes(2);
});

test("a part that went down with the connection while nobody looked is fetched again when it is shown", async () => {
  const part = made();
  await part.load();
  become(part, "lost", 0);
  become(part, "open", 1);
  expect(part.fetched).toHaveBeenCalledTimes(1);
  show(part);
  expect(screen.queryByRole("alert")).toBeNull();
  await screen.findByText("the panel");
  expect(part.fetched).toHaveBeenCalledTimes(2);
});

test("a part that fails beside a connection that came back is fetched once for each return, and not on and on", async () => {
  const part = made(3);
  await part.load();
  become(part, "lost", 0);
  become(part, "open", 1);
  show(part);
  await screen.findByText(/could not be loaded/);
  expect(part.fetched).toHaveBeenCalledTimes(2);
  become(part, "lost", 1);
  become(part, "open", 2);
  await screen.findByText(/could not be loaded/);
  expect(part.fetched).toHaveBeenCalledTimes(3);
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  await screen.findByText("the panel");
  expect(part.fetched).toHaveBeenCalledTimes(4);
});
