/** The application's main process, for Electron. The test acts through `globalThis.underTest`. */

import * as electron from "electron";

import { App } from "./app.js";

const { app, BrowserWindow, webContents } = electron;

class UnderTest {
  readonly #app = new App(electron, () => webContents.getAllWebContents(), process.env.APP_DAEMON ?? "");

  async open(url: string): Promise<void> {
    const preload = process.env.APP_PRELOAD ?? "";
    const window = new BrowserWindow({ show: false, webPreferences: { preload, contextIsolation: true, sandbox: true } });
    await window.loadURL(url);
  }

  publish(channel: string, payload: unknown): void {
    this.#app.events.publish(channel, payload);
  }

  windows(): number {
    return this.#app.relay.load.windows;
  }
}

declare global {
  var underTest: UnderTest;
}

app.on("window-all-closed", () => undefined);
void app.whenReady().then(() => {
  globalThis.underTest = new UnderTest();
});
