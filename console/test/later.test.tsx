import { fireEvent, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";

import { later } from "../src/shell/later.js";

test("a part of the page is fetched once, when it is shown, and says when that fails", async () => {
  const fetched = vi.fn<() => Promise<() => string>>();
  fetched.mockRejectedValueOnce(new TypeError("Failed to fetch dynamically imported module"));
  fetched.mockResolvedValue(() => "the panel");
  const { Content, load } = later(fetched);
  expect(fetched).not.toHaveBeenCalled();
  render(<Content />);
  expect(screen.getByRole("status").textContent).toBe("Loading…");
  await screen.findByText(/could not be loaded/);
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  await screen.findByText("the panel");
  await load();
  expect(fetched).toHaveBeenCalledTimes(2);
});
