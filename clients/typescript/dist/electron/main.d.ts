/**
 * The main process's side of Electron: every window a party of the relay, its identity and the generation of its document
 * stamped by this process, its work ended when it is closed, navigates away or crashes. `spec: identity.*, relay.8`
 */
import type { IpcMain, MessageChannelMain, WebContents } from "electron";
import type { Relay } from "../relay.js";
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
/**
 * Bridges windows to a relay.
 *
 * A window is stamped with the id of its `webContents` and with the number of its document, which changes with every load
 * but not with navigation within the page. Only main frames are heard. What the backend calls in a window that does not
 * listen yet waits, within the relay's limits; a window that is known before it speaks (see {@link WindowBridge.attach}) can
 * be called before it has loaded.
 */
export declare class WindowBridge {
    #private;
    constructor(relay: Relay, electron: MainElectron, options?: WindowBridgeOptions);
    /** Lets a window be called from now on, before it has said anything. */
    attach(contents: WebContents): void;
    /** Lets go of all windows. The relay is not closed. */
    close(): void;
}
