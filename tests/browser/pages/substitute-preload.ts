/**
 * The application's preload within an isolated world of Chromium, in place of Electron's: `ipcRenderer` speaks to the test's
 * process by a binding of this world, and `contextBridge` to the page by events of the document, which pass clones and are
 * synchronous, as Electron's proxies are. Not run on Electron.
 */

import { exposeBridge, type PreloadElectron } from "sixframe/electron/preload";

import { type BridgeCall, CALL, EXPOSE, HELLO, type Outcome, RESULT, SAY } from "./substitute-bridge.js";

declare global {
  /** To the test's process. Only this world has it. */
  var __toMain: (text: string) => void;
  /** From the test's process. */
  var __fromMain: (message: FromMain) => void;
}

type FromMain =
  | { kind: "event"; channel: string; values: unknown[] }
  | { kind: "answer"; id: number; value: unknown }
  | { kind: "port"; id: string; channel: string; values: unknown[] }
  | { kind: "port-message"; id: string; message: unknown };

type Listener = (event: never, ...values: unknown[]) => void;

const listeners = new Map<string, Set<Listener>>();
const answers = new Map<number, (value: unknown) => void>();
const ports = new Map<string, MessagePort>();
let asked = 0;

const toMain = (message: unknown) => globalThis.__toMain(JSON.stringify(message));

function emit(channel: string, event: unknown, values: unknown[]): void {
  for (const listener of [...(listeners.get(channel) ?? [])]) listener(event as never, ...values);
}

globalThis.__fromMain = (message) => {
  switch (message.kind) {
    case "event":
      return emit(message.channel, { ports: [] }, message.values);
    case "answer":
      answers.get(message.id)?.(message.value);
      return void answers.delete(message.id);
    case "port": {
      const { port1, port2 } = new MessageChannel();
      ports.set(message.id, port1);
      port1.onmessage = ({ data }) => toMain({ kind: "port-message", id: message.id, message: data as unknown });
      return emit(message.channel, { ports: [port2] }, message.values);
    }
    case "port-message":
      return ports.get(message.id)?.postMessage(message.message);
  }
};

const ipcRenderer = {
  on(channel: string, listener: Listener) {
    const known = listeners.get(channel) ?? new Set();
    listeners.set(channel, known.add(listener));
    return this;
  },
  removeListener(channel: string, listener: Listener) {
    listeners.get(channel)?.delete(listener);
    return this;
  },
  send: (channel: string, ...values: unknown[]) => toMain({ kind: "send", channel, values }),
  invoke: (channel: string, payload: unknown) =>
    new Promise((resolve) => {
      asked += 1;
      answers.set(asked, resolve);
      toMain({ kind: "invoke", id: asked, channel, payload });
    }),
};

/** Functions that were given to the page, by their number. */
const given: ((...values: unknown[]) => unknown)[] = [];

const say = (type: string, detail: unknown) => document.dispatchEvent(new CustomEvent(type, { detail }));

/** A function that the page gave us, as we call it. */
const ofPage = (fn: number) => (value: unknown) => void say(SAY, { fn, value });

document.addEventListener(CALL, (event) => {
  const { fn, values, id } = (event as CustomEvent<BridgeCall>).detail;
  const known = values.map((value) => ("fn" in value ? ofPage(value.fn) : value.value));
  let outcome: Outcome;
  try {
    const result = given[fn]?.(...known);
    if (typeof result === "function") outcome = { fn: given.push(result as (typeof given)[number]) - 1 };
    else if (result instanceof Promise) {
      outcome = { promised: true };
      const settle = (settled: Outcome) => say(RESULT, { id, outcome: settled });
      result.then(
        (value: unknown) => settle({ value }),
        (error: Error) => settle({ error: error.message }),
      );
    } else outcome = { value: result };
  } catch (error) {
    outcome = { error: (error as Error).message };
  }
  say(RESULT, { id, outcome });
});

const exposed: { name: string; functions: Record<string, number> }[] = [];

const contextBridge = {
  exposeInMainWorld(name: string, api: Record<string, (...values: unknown[]) => unknown>) {
    const functions = Object.fromEntries(Object.entries(api).map(([key, fn]) => [key, given.push(fn) - 1]));
    exposed.push({ name, functions });
    say(EXPOSE, { name, functions });
  },
};

// The page's half of the bridge may be there before or after this one.
document.addEventListener(HELLO, () => {
  for (const each of exposed) say(EXPOSE, each);
});

exposeBridge({ contextBridge, ipcRenderer } as unknown as PreloadElectron, { requests: ["app.echo"] });
