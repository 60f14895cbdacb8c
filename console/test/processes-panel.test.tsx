import { act, fireEvent, render, screen, within } from "@testing-library/react";
import { RpcError } from "sixframe";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Console } from "../src/console.js";
import { learnTime } from "../src/daemon-time.js";
import { Log } from "../src/processes/log-pane.js";
import { LogTail } from "../src/processes/log-tail.js";
import { chosenSidecar } from "../src/processes/chosen-sidecar.js";
import { FIRST_LINES } from "../src/processes/no-sidecars.js";
import type { Environment } from "../src/shell/environment.js";
import { furnish, type Furnished } from "./furnished.js";

const ends: (() => void)[] = [];

beforeEach(() => {
  location.hash = "#processes";
  chosenSidecar.set("");
});

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

type Service = Record<string, unknown>;

const READY: Service = { status: "ready", generation: 1, port: 8_001, url: "http://127.0.0.1:8001", owner: "this" };

/** The console on a daemon with these sidecars, each of whose actions answers when the test says so. */
function furnished(services?: Record<string, Service>): Furnished & { asked: unknown[]; answers: (() => void)[] } {
  const made = furnish({
    global: {},
    sessions: {},
    ...(services && { sidecars: { mode: { mode: "service", endpoints: {} }, services } }),
  });
  ends.push(made.end);
  const asked: unknown[] = [];
  const answers: (() => void)[] = [];
  const { endpoint } = made.served;
  for (const action of ["start", "stop", "restart"])
    endpoint.register(`sidecar.${action}`, (payload) => {
      asked.push([action, (payload as { name: string }).name]);
      return new Promise((resolve) => answers.push(() => resolve({})));
    });
  endpoint.register("sidecar.status", () => ({ generation: 1 }));
  endpoint.register("sidecar.watch", async function* () {
    yield { name: "api", ...READY, usage: { cpuPercent: 12.34, memoryBytes: 56_000_000, processes: 3 } };
    await new Promise(() => undefined);
  });
  endpoint.register("sidecar.logs", async function* (payload) {
    const { name } = payload as { name: string };
    yield { kind: "started", generation: 1, pid: 4_711 };
    yield { kind: "line", stream: "stdout", generation: 1, offset: 0, text: `\u001b[32m${name}\u001b[0m <b>listens</b>` };
    yield { kind: "line", stream: "stderr", generation: 1, offset: 0, text: "a warning" };
    await new Promise(() => undefined);
  });
  render(<Console environment={made.environment} />);
  return { ...made, asked, answers };
}

/** Whether a button does nothing; it can have the focus all the same. */
function isOff(button: HTMLElement): boolean {
  return !button.hasAttribute("disabled") && button.getAttribute("aria-disabled") === "true";
}

function change(served: Furnished["served"], name: string, service: Service): void {
  act(() => served.commit([{ op: "replace", path: `/sidecars/services/${name}`, value: service }]));
}

test("a daemon without sidecars is said so, and one where none are configured shows how to begin", async () => {
  furnished();
  expect(await screen.findByText(/This daemon has no sidecars/)).toBeTruthy();
});

test("where none are configured, the lines that a newcomer can begin with stand there", async () => {
  furnished({});
  expect(await screen.findByRole("heading", { name: "No processes yet" })).toBeTruthy();
  expect(screen.getByLabelText("Lines for the configuration file").textContent).toBe(FIRST_LINES);
  expect(FIRST_LINES.trim().split("\n").length).toBeLessThanOrEqual(10);
});

test("a sidecar shows how it stands, what it takes and what it writes, as text all through", async () => {
  const { served } = furnished({ api: READY });
  const detail = await screen.findByRole("region", { name: "api" });
  expect(within(detail).getByText("Ready")).toBeTruthy();
  expect(within(detail).getByRole("link", { name: "http://127.0.0.1:8001" }).getAttribute("rel")).toContain("noopener");
  expect(await within(detail).findByText("56 MB")).toBeTruthy();
  expect(within(detail).getByText("12.3 %")).toBeTruthy();
  const log = await screen.findByRole("listbox", { name: "Lines of api" });
  expect(await within(log).findByText(/<b>listens<\/b>/)).toBeTruthy();
  expect(log.querySelector("b")).toBeNull();
  expect(log.querySelector(".ansi-green")?.textContent).toBe("api");
  change(served, "api", { ...READY, status: "failed", failure: { code: "NOT_OURS", message: "close the other one" } });
  expect(await within(detail).findByText("close the other one")).toBeTruthy();
  expect(await screen.findByText("api: failed")).toBeTruthy();
  change(served, "api", { ...READY, url: "javascript:alert(1)" });
  expect(await within(detail).findByText("javascript:alert(1)")).toBeTruthy();
  expect(within(detail).queryByRole("link")).toBeNull();
});

test("what a sidecar waits for before it is started stands there while it does", async () => {
  const { served } = furnished({ api: { status: "starting", generation: 0, waitsFor: "`db` to be ready" } });
  const detail = await screen.findByRole("region", { name: "api" });
  expect(within(detail).getByText("`db` to be ready").previousElementSibling?.textContent).toBe("Waits for");
  change(served, "api", READY);
  await vi.waitFor(() => expect(within(detail).queryByText("Waits for")).toBeNull());
});

test("an action is off where it makes no sense, turns while it is under way, and asks before it takes others down", async () => {
  const { asked, answers } = furnished({ api: { ...READY, dependsOn: ["db"] }, db: READY });
  const list = await screen.findByRole("list", { name: "Processes" });
  const button = (name: string): HTMLButtonElement => within(list).getByRole<HTMLButtonElement>("button", { name });
  expect([isOff(button("Start api")), isOff(button("Stop api"))]).toEqual([true, false]);
  fireEvent.click(button("Stop api"));
  await vi.waitFor(() => expect(asked).toEqual([["stop", "api"]]));
  expect([isOff(button("Stop api")), button("Stop api").getAttribute("aria-busy")]).toEqual([true, "true"]);
  await act(async () => answers[0]?.());
  expect(await screen.findByText("api was stopped")).toBeTruthy();
  fireEvent.click(button("Stop db"));
  const dialog = screen.getByRole("dialog", { name: "Stop db?" });
  expect(dialog.textContent).toContain("api");
  expect(asked.length).toBe(1);
  fireEvent.click(within(dialog).getByRole("button", { name: "Stop" }));
  await vi.waitFor(() =>
    expect(asked).toEqual([
      ["stop", "api"],
      ["stop", "db"],
    ]),
  );
});

test("an action that its own press turns off keeps the focus, and does nothing more", async () => {
  const { served, asked, answers } = furnished({ api: READY });
  const list = await screen.findByRole("list", { name: "Processes" });
  const stop = within(list).getByRole("button", { name: "Stop api" });
  stop.focus();
  fireEvent.click(stop);
  await vi.waitFor(() => expect(asked).toEqual([["stop", "api"]]));
  fireEvent.click(stop);
  await act(async () => answers[0]?.());
  change(served, "api", { ...READY, status: "stopped" });
  await vi.waitFor(() => expect(within(list).getByRole("button", { name: "Stop api" }).title).toBe("It is stopped"));
  fireEvent.click(stop);
  expect([document.activeElement, isOff(stop), asked.length]).toEqual([stop, true, 1]);
});

test("a mode keeps the focus while the daemon switches", async () => {
  const { served } = furnished({ api: READY });
  const connected = await screen.findByRole("radio", { name: "Connected" });
  connected.focus();
  act(() => served.commit([{ op: "replace", path: "/sidecars/mode", value: { mode: "service", changing: { to: "standalone", since: 1 }, endpoints: {} } }]));
  await screen.findByText(/Switching to standalone/);
  fireEvent.click(connected);
  expect([document.activeElement, isOff(connected), screen.queryByRole("dialog")]).toEqual([connected, true, null]);
});

test("what was refused stands at the sidecar until it is dismissed", async () => {
  const { served } = furnished({ api: { status: "stopped" } });
  served.endpoint.register("sidecar.start", () => {
    throw new RpcError("PORT_IN_USE", "port 8001 belongs to nginx: stop it, or give `api` another port", undefined, "sidecar");
  });
  const detail = await screen.findByRole("region", { name: "api" });
  fireEvent.click(within(detail).getByRole("button", { name: "Start api" }));
  expect(await within(detail).findByText("It could not be started.")).toBeTruthy();
  expect(within(detail).getByText(/give `api` another port/)).toBeTruthy();
  fireEvent.click(within(detail).getByRole("button", { name: "Dismiss" }));
  expect(within(detail).queryByText("It could not be started.")).toBeNull();
});

test("a switch of mode that fails says that nothing was changed, and one that works closes its dialog", async () => {
  const { served } = furnished({ api: READY });
  const wanted: unknown[] = [];
  served.endpoint.register("sidecar.setMode", (payload) => {
    wanted.push(payload);
    if (wanted.length === 1) throw new RpcError("UNAVAILABLE", "it does not answer");
    return {};
  });
  fireEvent.click(await screen.findByRole("radio", { name: "Connected" }));
  const dialog = screen.getByRole("dialog", { name: "Use a remote daemon's sidecars" });
  const submit = within(dialog).getByRole<HTMLButtonElement>("button", { name: "Switch" });
  expect([isOff(submit), dialog.textContent?.includes("This one is stopped: api.")]).toEqual([true, true]);
  fireEvent.change(within(dialog).getByRole("textbox", { name: /Address/ }), { target: { value: "wss://far.example" } });
  fireEvent.click(submit);
  expect(await within(dialog).findByText("Nothing was changed.")).toBeTruthy();
  fireEvent.change(within(dialog).getByRole("textbox", { name: /identity/ }), { target: { value: "abc" } });
  fireEvent.click(within(dialog).getByRole("button", { name: "Switch" }));
  await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(wanted).toEqual([
    { mode: "connected", serverUrl: "wss://far.example" },
    { mode: "connected", serverUrl: "wss://far.example", identity: "abc" },
  ]);
});

test("a switch whose answer does not come is not said to have changed nothing", async () => {
  const { served } = furnished({ api: READY });
  served.endpoint.register("sidecar.setMode", () => {
    throw new RpcError("RPC_TIMEOUT", "the time is up");
  });
  const changing = (value: unknown): void => act(() => served.commit([{ op: "replace", path: "/sidecars/mode", value }]));
  fireEvent.click(await screen.findByRole("radio", { name: "Standalone" }));
  const dialog = screen.getByRole("dialog", { name: "Run without sidecars" });
  const submit = within(dialog).getByRole<HTMLButtonElement>("button", { name: "Switch" });
  fireEvent.click(submit);
  expect(await within(dialog).findByText(/No answer came, .* the mode is service\./)).toBeTruthy();
  changing({ mode: "service", changing: { to: "standalone", since: 1 }, endpoints: {} });
  expect(await within(dialog).findByText("It is still under way.")).toBeTruthy();
  expect([isOff(submit), within(dialog).queryByText("Nothing was changed.")]).toEqual([true, null]);
  changing({ mode: "standalone", endpoints: {} });
  expect(await within(dialog).findByText(/the mode is standalone\./)).toBeTruthy();
});

test("an action whose answer does not come is not said to have come to nothing", async () => {
  const { served } = furnished({ api: READY });
  served.endpoint.register("sidecar.stop", () => {
    throw new RpcError("INDETERMINATE", "the connection was lost");
  });
  const detail = await screen.findByRole("region", { name: "api" });
  fireEvent.click(within(detail).getByRole("button", { name: "Stop api" }));
  expect(await within(detail).findByText(/No answer came whether it was stopped; .* it is ready\./)).toBeTruthy();
  change(served, "api", { ...READY, status: "stopping" });
  expect(await within(detail).findByText("It is still under way: it is stopping.")).toBeTruthy();
  expect(within(detail).queryByText("It could not be stopped.")).toBeNull();
});

test("how long a sidecar is up is counted by the daemon's clock", async () => {
  const ahead = 3_600_000;
  learnTime(new Date(Date.now() + ahead).toUTCString());
  ends.push(() => learnTime(new Date().toUTCString()));
  furnished({ api: { ...READY, startedAt: Date.now() + ahead - 125_000 } });
  const detail = await screen.findByRole("region", { name: "api" });
  expect(within(detail).getByText("Up for").nextElementSibling?.textContent).toMatch(/^2 ?m/);
});

test("a remote daemon that cannot be used is said to be so, and why, until it can", async () => {
  const { served } = furnished({ api: { ...READY, owner: "none" } });
  await screen.findByRole("radio", { name: "Connected" });
  expect(screen.queryByText(/cannot be used/)).toBeNull();
  const mode = { mode: "connected", serverUrl: "wss://far.example", endpoints: {} };
  const told = (value: unknown): void => act(() => served.commit([{ op: "replace", path: "/sidecars/mode", value }]));
  told({ ...mode, serverFailure: "it is another server" });
  const failure = await screen.findByText(/The remote daemon cannot be used: it is another server\./);
  expect(failure.getAttribute("role")).toBe("alert");
  told(mode);
  await vi.waitFor(() => expect(screen.queryByText(/cannot be used/)).toBeNull());
});

test("a log is searched from find to find, narrowed to one stream, and a line opens whole", async () => {
  furnished({ api: READY });
  const log = await screen.findByRole("listbox", { name: "Lines of api" });
  await within(log).findByText("a warning");
  const search = screen.getByRole("searchbox", { name: "Search in the log" });
  fireEvent.change(search, { target: { value: "WARN" } });
  expect(log.querySelector("mark")?.textContent).toBe("warn");
  fireEvent.keyDown(search, { key: "Enter" });
  expect(screen.getByText("1 of 1")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Only finds" }));
  expect(within(log).getAllByRole("option").length).toBe(1);
  fireEvent.keyDown(log, { key: "Enter" });
  expect(screen.getByRole("complementary", { name: "The line" }).textContent).toContain("stderr, run 1, byte 0");
  fireEvent.change(search, { target: { value: "" } });
  fireEvent.click(screen.getByRole("radio", { name: "stdout" }));
  expect(within(log).getAllByRole("option").length).toBe(2);
  expect(within(log).queryByText("a warning")).toBeNull();
});

test("of a hundred thousand lines only those in sight exist, and the search finds in all of them", async () => {
  async function* lines(): AsyncGenerator<unknown> {
    for (let number = 0; number < 100_000; number += 1)
      yield { kind: "line", stream: "stdout", generation: 1, offset: number * 20, text: `line ${number}` };
    await new Promise(() => undefined);
  }
  const link = { request: () => Promise.resolve({}), stream: lines } as unknown as Environment["link"];
  const tail = new LogTail(link, "api", undefined, (tell) => tell());
  const whole = new Promise<void>((resolve) => tail.subscribe(() => tail.rows.length === 100_000 && resolve()));
  tail.open();
  await whole;
  render(<Log tail={tail} />);
  expect(screen.getByText("100,000")).toBeTruthy();
  const log = screen.getByRole("listbox", { name: "Lines of api" });
  expect(within(log).getAllByRole("option").length).toBeLessThan(100);
  expect(within(log).getByText("line 99999")).toBeTruthy();
  const search = screen.getByRole("searchbox", { name: "Search in the log" });
  fireEvent.change(search, { target: { value: "line 4711" } });
  expect(screen.getByText("11")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Only finds" }));
  expect(within(log).getAllByRole("option").map((row) => row.textContent)).toContain("outline 47119");
  tail.close();
});

test("the palette leads to a sidecar and acts on it, and asks for another mode", async () => {
  const { asked } = furnished({ api: READY, web: { status: "stopped" } });
  await screen.findByRole("region", { name: "api" });
  fireEvent.keyDown(document, { key: "k", ctrlKey: true });
  fireEvent.change(screen.getByRole("combobox", { hidden: true }), { target: { value: "start web" } });
  fireEvent.keyDown(screen.getByRole("combobox", { hidden: true }), { key: "Enter" });
  expect(await screen.findByRole("region", { name: "web" })).toBeTruthy();
  await vi.waitFor(() => expect(asked).toEqual([["start", "web"]]));
  fireEvent.keyDown(document, { key: "k", ctrlKey: true });
  fireEvent.change(screen.getByRole("combobox", { hidden: true }), { target: { value: "switch standalone" } });
  fireEvent.keyDown(screen.getByRole("combobox", { hidden: true }), { key: "Enter" });
  expect(await screen.findByRole("dialog", { name: "Run without sidecars" })).toBeTruthy();
});
