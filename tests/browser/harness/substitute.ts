/**
 * Windows of Chromium in the place of Electron's: each page has an isolated world with the real preload in it, this process
 * plays the main process. What differs from Electron: values pass as JSON, a window's life is told by Chromium's own events,
 * and there is no packaging. Not run on Electron.
 */

import { EventEmitter } from "node:events";

import type { Browser, BrowserContext, CDPSession, Page } from "playwright-core";
import type { MainElectron } from "sixframe/electron/main";

import { App, type AppElectron } from "../electron/app.js";
import type { RunningApp } from "../electron/suite.js";
import { bundle } from "./bundle.js";

const WORLD = "preload";

type FromPage =
  | { kind: "send"; channel: string; values: unknown[] }
  | { kind: "invoke"; id: number; channel: string; payload: unknown }
  | { kind: "port-message"; id: string; message: unknown };

/** One end of a channel, whose other end is in a page. */
class SubstitutePort extends EventEmitter {
  send: (message: unknown) => void = () => undefined;
  #waiting: unknown[] = [];

  postMessage(message: unknown): void {
    this.other?.receive(message);
  }
  other: SubstitutePort | undefined;

  receive(data: unknown): void {
    if (this.listenerCount("message") > 0) this.emit("message", { data, ports: [] });
    else this.#waiting.push(data);
  }
  start(): void {
    for (const data of this.#waiting.splice(0)) this.receive(data);
  }
  close(): void {
    this.removeAllListeners();
  }
}

class SubstituteChannel {
  readonly port1 = new SubstitutePort();
  readonly port2 = new SubstitutePort();
  constructor() {
    this.port1.other = this.port2;
    this.port2.other = this.port1;
  }
}

/** A document with its isolated world: what Electron calls a frame. */
class Frame {
  readonly contents: Contents;
  readonly context: string;
  readonly ports = new Map<string, SubstitutePort>();
  #nextPort = 0;

  constructor(contents: Contents, context: string) {
    this.contents = contents;
    this.context = context;
  }

  /** Says something to the isolated world; one that is gone hears nothing. */
  say(message: unknown): void {
    const expression = `__fromMain(${JSON.stringify(message)})`;
    this.contents.session.send("Runtime.evaluate", { expression, uniqueContextId: this.context }).catch(() => undefined);
  }

  postMessage(channel: string, value: unknown, [port]: SubstitutePort[]): void {
    this.#nextPort += 1;
    const id = String(this.#nextPort);
    if (port === undefined) return;
    this.ports.set(id, port);
    this.say({ kind: "port", id, channel, values: [value] });
    port.on("message", ({ data }: { data: unknown }) => this.say({ kind: "port-message", id, message: data }));
    port.start();
  }
}

/** What Electron calls the contents of a window. */
class Contents extends EventEmitter {
  readonly id: number;
  readonly session: CDPSession;
  mainFrame: Frame | null = null;
  #isDestroyed = false;

  constructor(id: number, session: CDPSession) {
    super();
    this.id = id;
    this.session = session;
  }

  isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  send(channel: string, ...values: unknown[]): void {
    if (this.#isDestroyed) throw new TypeError("Object has been destroyed");
    this.mainFrame?.say({ kind: "event", channel, values });
  }

  destroy(): void {
    this.#isDestroyed = true;
    this.emit("destroyed");
  }
}

/** The application on the substitute. */
export class SubstituteApp implements RunningApp {
  readonly #context: BrowserContext;
  readonly #app: App;
  readonly #windows = new Set<Contents>();
  readonly #ipcMain = new EventEmitter();
  readonly #handlers = new Map<string, (event: unknown, payload: unknown) => unknown>();
  readonly #scripts: { preload: string; page: string };
  #ids = 0;

  private constructor(context: BrowserContext, scripts: { preload: string; page: string }) {
    this.#context = context;
    this.#scripts = scripts;
    const ipcMain = Object.assign(this.#ipcMain, {
      handle: (channel: string, answer: (event: unknown, payload: unknown) => unknown) => this.#handlers.set(channel, answer),
    });
    const electron = { ipcMain, MessageChannelMain: SubstituteChannel } as unknown as AppElectron & MainElectron;
    this.#app = new App(electron, () => this.#windows, process.env.SIXFRAME_BIN ?? "");
  }

  static async start(browser: Browser): Promise<SubstituteApp> {
    const scripts = { preload: await bundle("substitute-preload"), page: await bundle("substitute-page") };
    return new SubstituteApp(await browser.newContext(), scripts);
  }

  async open(url: string): Promise<Page> {
    const page = await this.#context.newPage();
    const session = await this.#context.newCDPSession(page);
    this.#ids += 1;
    const contents = new Contents(this.#ids, session);
    this.#windows.add(contents);
    await this.#watch(contents, page);
    await session.send("Page.addScriptToEvaluateOnNewDocument", { source: this.#scripts.page });
    await session.send("Page.addScriptToEvaluateOnNewDocument", { source: this.#scripts.preload, worldName: WORLD });
    await session.send("Runtime.addBinding", { name: "__toMain", executionContextName: WORLD });
    await page.goto(url);
    return page;
  }

  async publish(channel: string, payload: unknown): Promise<void> {
    this.#app.events.publish(channel, payload);
  }

  async windows(): Promise<number> {
    return this.#app.relay.load.windows;
  }

  async close(): Promise<void> {
    this.#app.close();
    await this.#context.close();
  }

  async #watch(contents: Contents, page: Page): Promise<void> {
    const { session } = contents;
    const frames = new Map<number, Frame>();
    session.on("Runtime.executionContextCreated", ({ context }) => {
      if (context.name !== WORLD) return;
      const frame = new Frame(contents, context.uniqueId);
      frames.set(context.id, frame);
      contents.mainFrame = frame;
    });
    session.on("Runtime.executionContextDestroyed", ({ executionContextId }) => frames.delete(executionContextId));
    session.on("Runtime.bindingCalled", ({ payload, executionContextId }) => {
      void this.#hear(contents, frames.get(executionContextId) ?? null, JSON.parse(payload) as FromPage);
    });
    session.on("Page.frameNavigated", ({ frame }) => {
      if (frame.parentId !== undefined) return;
      contents.emit("did-start-navigation", { isMainFrame: true, isSameDocument: false });
      contents.emit("did-navigate");
    });
    session.on("Page.navigatedWithinDocument", () => {
      contents.emit("did-start-navigation", { isMainFrame: true, isSameDocument: true });
    });
    page.on("crash", () => contents.emit("render-process-gone", {}, { reason: "crashed" }));
    page.on("close", () => {
      this.#windows.delete(contents);
      contents.destroy();
    });
    await session.send("Page.enable");
    await session.send("Runtime.enable");
  }

  async #hear(contents: Contents, frame: Frame | null, message: FromPage): Promise<void> {
    switch (message.kind) {
      case "send":
        this.#ipcMain.emit(message.channel, { sender: contents, senderFrame: frame }, ...message.values);
        break;
      case "invoke": {
        const value = await this.#handlers.get(message.channel)?.({ sender: contents }, message.payload);
        frame?.say({ kind: "answer", id: message.id, value });
        break;
      }
      case "port-message":
        frame?.ports.get(message.id)?.postMessage(message.message);
        break;
    }
  }
}
