/**
 * The main process's side of Electron: every window a party of the relay, its identity and the generation of its document
 * stamped by this process, its work ended when it is closed, navigates away or crashes. `spec: identity.*, relay.8`
 */

import type { IpcMain, IpcMainEvent, MessageChannelMain, WebContents } from "electron";

import type { Relay, WindowHandle } from "../relay.js";
import { CONNECT, PORT, POST, START, STOP } from "./channels.js";
import { WindowTransport } from "./window-transport.js";

/** The parts of Electron that are used: `import * as electron from "electron"`. */
export interface MainElectron {
  ipcMain: Pick<IpcMain, "on" | "removeListener">;
  MessageChannelMain: new () => MessageChannelMain;
}

/** How windows are bridged. */
export interface WindowBridgeOptions {
  /** Which windows may speak, asked for every new document. Default: all whose preload exposes the bridge. */
  allow?: (contents: WebContents) => boolean;
}

/** The code of a load that left the document as it was. */
const ABORTED = -3;

/**
 * Bridges windows to a relay.
 *
 * A window is stamped with the id of its `webContents` and with the number of its document, which changes with every load
 * but not with navigation within the page. Only main frames are heard. What the backend calls in a window that does not
 * listen yet waits, within the relay's limits; a window that is known before it speaks (see {@link WindowBridge.attach}) can
 * be called before it has loaded.
 */
export class WindowBridge {
  readonly #relay: Relay;
  readonly #electron: MainElectron;
  readonly #options: WindowBridgeOptions;
  readonly #windows = new Map<WebContents, BridgedWindow>();

  constructor(relay: Relay, electron: MainElectron, options: WindowBridgeOptions = {}) {
    this.#relay = relay;
    this.#electron = electron;
    this.#options = options;
    electron.ipcMain.on(POST, this.#onPost);
    electron.ipcMain.on(START, this.#onStart);
    electron.ipcMain.on(STOP, this.#onStop);
    electron.ipcMain.on(CONNECT, this.#onConnect);
  }

  /** Lets a window be called from now on, before it has said anything. */
  attach(contents: WebContents): void {
    this.#windowOf(contents)?.current();
  }

  /** Lets go of all windows. The relay is not closed. */
  close(): void {
    const { ipcMain } = this.#electron;
    ipcMain.removeListener(POST, this.#onPost);
    ipcMain.removeListener(START, this.#onStart);
    ipcMain.removeListener(STOP, this.#onStop);
    ipcMain.removeListener(CONNECT, this.#onConnect);
    for (const window of this.#windows.values()) window.close("the bridge was closed");
    this.#windows.clear();
  }

  readonly #onPost = (event: IpcMainEvent, frame: unknown): void => this.#sender(event)?.receive(frame);

  readonly #onStart = (event: IpcMainEvent, document: unknown): void => {
    if (typeof document === "string") this.#sender(event)?.startChannel(document);
  };

  readonly #onStop = (event: IpcMainEvent, document: unknown): void => {
    if (typeof document === "string") this.#sender(event)?.stop(document);
  };

  readonly #onConnect = (event: IpcMainEvent, document: unknown, id: unknown): void => {
    if (typeof document !== "string" || typeof id !== "string") return;
    const window = this.#sender(event);
    if (window === undefined) return;
    const { port1, port2 } = new this.#electron.MessageChannelMain();
    window.startPort(document, port2);
    event.senderFrame?.postMessage(PORT, id, [port1]);
  };

  /** The window that sent an event, where its main frame did. A frame that is gone is no main frame any more. */
  #sender({ sender, senderFrame }: IpcMainEvent): BridgedWindow | undefined {
    return senderFrame !== null && senderFrame === sender.mainFrame ? this.#windowOf(sender) : undefined;
  }

  #windowOf(contents: WebContents): BridgedWindow | undefined {
    const known = this.#windows.get(contents);
    if (known !== undefined) return known;
    if (contents.isDestroyed()) return undefined;
    const allow = this.#options.allow ?? (() => true);
    const window = new BridgedWindow(contents, this.#relay, allow, () => this.#windows.delete(contents));
    this.#windows.set(contents, window);
    return window;
  }
}

/** A window through all of its documents. */
class BridgedWindow {
  readonly #contents: WebContents;
  readonly #relay: Relay;
  readonly #allow: (contents: WebContents) => boolean;
  readonly #onGone: () => void;
  #generation = 0;
  #transport: WindowTransport | undefined;
  #handle: WindowHandle | undefined;
  /** Whether a load began that would replace the document, and has not done so. */
  #isLoading = false;
  #isUnresponsive = false;

  constructor(contents: WebContents, relay: Relay, allow: (contents: WebContents) => boolean, onGone: () => void) {
    this.#contents = contents;
    this.#relay = relay;
    this.#allow = allow;
    this.#onGone = onGone;
    contents.on("did-start-navigation", this.#onNavigation);
    contents.on("did-navigate", this.#onLoaded);
    contents.on("did-fail-load", this.#onFailed);
    contents.on("render-process-gone", this.#onCrash);
    contents.on("unresponsive", this.#onUnresponsive);
    contents.on("responsive", this.#onResponsive);
    contents.on("destroyed", this.#onDestroyed);
  }

  /** The present document's transport; nothing where the window may not speak. */
  current(): WindowTransport | undefined {
    if (this.#transport !== undefined || !this.#allow(this.#contents)) return this.#transport;
    this.#generation += 1;
    const { id } = this.#contents;
    const transport = new WindowTransport(this.#contents, () => this.#isUnresponsive);
    const handle = this.#relay.attach(transport, { senderId: id, doc: `${id}.${this.#generation}` });
    this.#transport = transport;
    this.#handle = handle;
    void handle.closed.then(() => {
      if (this.#handle === handle) this.#forget();
    });
    return transport;
  }

  /** A frame of the present document. A preload of 0.2 says nothing before its first one. */
  receive(frame: unknown): void {
    const transport = this.current();
    if (transport?.isStarted === false) transport.useChannel(undefined);
    transport?.receive(frame);
  }

  startChannel(document: string): void {
    this.#unstarted(document)?.useChannel(document);
  }

  startPort(document: string, port: Parameters<WindowTransport["usePort"]>[1]): void {
    const transport = this.#unstarted(document);
    if (transport === undefined) port.close();
    else transport.usePort(document, port);
  }

  stop(document: string): void {
    if (this.#transport?.document === document) this.#end("the window stopped");
  }

  close(reason: string): void {
    this.#end(reason);
    if (this.#contents.isDestroyed()) return;
    this.#contents.off("did-start-navigation", this.#onNavigation);
    this.#contents.off("did-navigate", this.#onLoaded);
    this.#contents.off("did-fail-load", this.#onFailed);
    this.#contents.off("render-process-gone", this.#onCrash);
    this.#contents.off("unresponsive", this.#onUnresponsive);
    this.#contents.off("responsive", this.#onResponsive);
    this.#contents.off("destroyed", this.#onDestroyed);
  }

  /** A transport that nobody listens to yet, for a document that now does. */
  #unstarted(document: string): WindowTransport | undefined {
    const known = this.#transport?.document;
    // The new document's word may come before Electron's own.
    if (known !== document) this.#isLoading = false;
    if (this.#transport?.isStarted === true) this.#end("the window started anew");
    return this.current();
  }

  readonly #onNavigation = (details: { isMainFrame: boolean; isSameDocument: boolean }): void => {
    if (details.isMainFrame && !details.isSameDocument) this.#isLoading = true;
  };

  readonly #onLoaded = (): void => {
    if (!this.#isLoading) return;
    this.#isLoading = false;
    if (this.#transport?.isStarted !== true) return;
    this.#end("the window loaded another document");
    this.current();
  };

  /** The page of an error takes the document's place; a load that was given up leaves it. */
  readonly #onFailed = (_event: unknown, code: number, _text: string, _url: string, isMainFrame: boolean): void => {
    if (isMainFrame && code !== ABORTED) this.#onLoaded();
  };

  readonly #onCrash = (): void => this.#end("the window's process is gone");

  readonly #onUnresponsive = (): void => void (this.#isUnresponsive = true);

  readonly #onResponsive = (): void => void (this.#isUnresponsive = false);

  readonly #onDestroyed = (): void => {
    this.#end("the window was closed");
    this.#onGone();
  };

  #end(reason: string): void {
    const handle = this.#handle;
    this.#forget();
    handle?.close(reason);
  }

  #forget(): void {
    this.#transport = undefined;
    this.#handle = undefined;
  }
}
