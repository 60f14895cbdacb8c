/**
 * What a preload exposes to its page: frames both ways, events of named channels, and requests to named handlers. Nothing of
 * Electron itself reaches the page.
 */
import type { ContextBridge, IpcRenderer } from "electron";
import type { ElectronBridge } from "../transports/electron.js";
/** What `window.electronBridge` is. */
export interface PreloadBridge extends ElectronBridge {
    start(onFrame: (frame: unknown) => void): () => void;
    stop(): void;
    connect(id: string): void;
    /** Gives the payloads of a channel to `handler`, until what it returns is called. Throws for channels that are closed. */
    on(channel: string, handler: (payload: unknown) => void): () => void;
}
/** What `window.rpc` is. */
export interface PreloadRpc {
    /** Asks what `ipcMain.handle(channel)` answers. Rejects for channels that are closed. */
    request(channel: string, payload?: unknown): Promise<unknown>;
}
/** The parts of Electron that a preload has: `import { contextBridge, ipcRenderer } from "electron"`. */
export interface PreloadElectron {
    contextBridge: Pick<ContextBridge, "exposeInMainWorld">;
    ipcRenderer: Pick<IpcRenderer, "on" | "removeListener" | "send" | "invoke">;
}
/** What is open to the page beside frames. */
export interface PreloadOptions {
    /** Which channels `on` may listen to. Default: those that begin with `agentos:`. */
    events?: (channel: string) => boolean;
    /** Which channels `rpc.request` may ask. Default: none. */
    requests?: readonly string[] | ((channel: string) => boolean);
}
/** Exposes `window.electronBridge` and `window.rpc`. Call it once, while the preload runs. */
export declare function exposeBridge({ contextBridge, ipcRenderer }: PreloadElectron, options?: PreloadOptions): void;
