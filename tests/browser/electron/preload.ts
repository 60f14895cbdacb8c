/** The application's preload, for Electron. */

import { contextBridge, ipcRenderer } from "electron";
import { exposeBridge } from "sixframe/electron/preload";

exposeBridge({ contextBridge, ipcRenderer }, { requests: ["app.echo"] });
