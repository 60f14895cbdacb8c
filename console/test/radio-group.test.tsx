import { fireEvent, render, screen } from "@testing-library/react";
import { useState, type ReactNode } from "react";
import { expect, test, vi } from "vitest";

import { Radio, RadioGroup } from "../src/shell/radio-group.js";
import { NewSession } from "../src/chat/new-session.js";
import { EnvironmentProvider } from "../src/shell/environment.js";
import { furnish } from "./furnished.js";

function Group({ asked, isAsking = false }: { asked: (name: string) => void; isAsking?: boolean }): ReactNode {
  const [chosen, choose] = useState("b");
  return (
    <RadioGroup label="Group" isAsking={isAsking}>
      {["a", "b", "off", "c"].map((name) => (
        <Radio key={name} isChosen={name === chosen} isOff={name === "off"} onChoose={() => (asked(name), isAsking || choose(name))}>
          {name}
        </Radio>
      ))}
    </RadioGroup>
  );
}

const radio = (name: string): HTMLElement => screen.getByRole("radio", { name });
const stops = (): (string | null)[] => screen.getAllByRole("radio").filter(({ tabIndex }) => tabIndex === 0).map(({ textContent }) => textContent);

test("arrows move in a group and choose, over what cannot be chosen, and the Tab key stops once", () => {
  const asked = vi.fn();
  render(<Group asked={asked} />);
  expect(stops()).toEqual(["b"]);
  radio("b").focus();
  for (const [key, name] of [["ArrowRight", "c"], ["ArrowDown", "a"], ["ArrowLeft", "c"], ["Home", "a"], ["End", "c"], ["ArrowUp", "b"]] as const) {
    fireEvent.keyDown(document.activeElement as Element, { key });
    expect([document.activeElement, radio(name).getAttribute("aria-checked"), stops()]).toEqual([radio(name), "true", [name]]);
  }
  fireEvent.keyDown(radio("b"), { key: "ArrowRight", ctrlKey: true });
  expect([document.activeElement, asked.mock.calls.length]).toEqual([radio("b"), 6]);
});

test("where a choice asks for more, arrows choose nothing, and who leaves comes back to what is chosen", () => {
  const asked = vi.fn();
  render(<Group asked={asked} isAsking />);
  radio("b").focus();
  fireEvent.keyDown(radio("b"), { key: "ArrowRight" });
  expect([document.activeElement, stops(), asked.mock.calls]).toEqual([radio("c"), ["c"], []]);
  fireEvent.click(radio("c"));
  expect(asked.mock.calls).toEqual([["c"]]);
  radio("c").blur();
  expect(stops()).toEqual(["b"]);
});

test("of the agents on the machine one is chosen by arrows", async () => {
  const made = furnish();
  const able = (id: string, state: string): unknown => ({ id, name: id, state, abilities: {} });
  made.served.endpoint.register("agent.providers", () => ({ providers: [able("one", "ready"), able("two", "missing"), able("three", "unknown")], default: "one" }));
  render(
    <EnvironmentProvider value={made.environment}>
      <NewSession sessions={[]} isOpen />
    </EnvironmentProvider>,
  );
  (await screen.findByRole("radio", { name: /^one/ })).focus();
  fireEvent.keyDown(document.activeElement as Element, { key: "ArrowRight" });
  expect(screen.getByRole("radio", { name: /^three/ }).getAttribute("aria-checked")).toBe("true");
  made.end();
});
