/** The application under test: windows over a relay to the daemon's binary. It is the same on Electron and on the substitute. */

import { type EventPublisher, type EventWindow, windowPublisher } from "sixframe/electron/events";
import { type MainElectron, WindowBridge } from "sixframe/electron/main";
import { Relay } from "sixframe/relay";
import { child } from "sixframe/transports/child";

/** What of Electron the application needs. */
export interface AppElectron extends MainElectron {
  ipcMain: MainElectron["ipcMain"] & { handle(channel: string, answer: (event: unknown, payload: unknown) => unknown): void };
}

export class App {
  readonly relay: Relay;
  readonly bridge: WindowBridge;
  readonly events: EventPublisher;

  constructor(electron: AppElectron, windows: () => Iterable<EventWindow>, binary: string) {
    // What is meant for these tests is no configuration of a daemon.
    const ours = Object.keys(process.env).filter((name) => name.startsWith("SIXFRAME_"));
    const env = Object.fromEntries(ours.map((name) => [name, undefined]));
    this.relay = new Relay(child(binary, ["stdio", "--allow", "process.run", "--set", "log=warn"], { env }), {
      onLog: (event) => {
        if (event.event === "disconnected") console.warn(event.reason);
      },
    });
    this.bridge = new WindowBridge(this.relay, electron);
    this.events = windowPublisher(windows);
    electron.ipcMain.handle("app.echo", (_event, payload) => ({ payload }));
  }

  close(): void {
    this.bridge.close();
    this.relay.close();
  }
}
