import { act, fireEvent, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";

import type { Standing } from "../src/connection.js";
import { EnvironmentProvider, type Environment } from "../src/shell/environment.js";
import { later } from "../src/shell/later.js";
import { Store } from "../src/store.js";

/** A part of which the first fetch fails, shown beside a connection. */
function shown(): { standing: Store<Standing>; fetched: ReturnType<typeof vi.fn>; load: () => Promise<void> } {
  const fetched = vi.fn<() => Promise<() => string>>();
  fetched.mockRejectedValueOnce(new TypeError("Failed to fetch dynamically imported module"));
  fetched.mockResolvedValue(() => "the panel");
  const { Content, load } = later(fetched);
  expect(fetched).not.toHaveBeenCalled();
  const standing = new Store<Standing>({ phase: "open", since: 0, reconnects: 0 });
  render(
    <EnvironmentProvider value={{ connection: { standing } } as unknown as Environment}>
      <Content />
    </EnvironmentProvider>,
  );
  expect(screen.getByRole("status").textContent).toBe("Loading…");
  return { standing, fetched, load };
}

test("a part of the page is fetched once, when it is shown, and says when that fails", async () => {
  const { fetched, load } = shown();
  await screen.findByText(/could not be loaded/);
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  await screen.findByText("the panel");
  await load();
  expect(fetched).toHaveBeenCalledTimes(2);
});

test("a part that went down with the connection is fetched again when that is back", async () => {
  const { standing, fetched } = shown();
  await screen.findByText(/could not be loaded/);
  act(() => standing.set({ phase: "lost", since: 1, reconnects: 0 }));
  expect(screen.queryByRole("alert")).toBeNull();
  expect(fetched).toHaveBeenCalledTimes(1);
  act(() => standing.set({ phase: "open", since: 2, reconnects: 1 }));
  await screen.findByText("the panel");
  expect(fetched).toHaveBeenCalledTimes(2);
});
