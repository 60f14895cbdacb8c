/**
 * What a preload exposes to its page: frames both ways, events of named channels, and requests to named handlers. Nothing of
 * Electron itself reaches the page.
 */
import { CONNECT, FRAME, PORT, POST, START, STOP } from "./channels.js";
import { EVENT_PREFIX } from "./events.js";
/** Exposes `window.electronBridge` and `window.rpc`. Call it once, while the preload runs. */
export function exposeBridge({ contextBridge, ipcRenderer }, options = {}) {
    const document = crypto.randomUUID();
    const { events = (channel) => channel.startsWith(EVENT_PREFIX), requests = [] } = options;
    const mayAsk = typeof requests === "function" ? requests : (channel) => requests.includes(channel);
    const listen = (channel, hear) => {
        ipcRenderer.on(channel, hear);
        return () => void ipcRenderer.removeListener(channel, hear);
    };
    const bridge = {
        start(onFrame) {
            const off = listen(FRAME, (_event, frame, meant) => {
                if (meant === undefined || meant === document)
                    onFrame(frame);
            });
            ipcRenderer.send(START, document);
            return off;
        },
        post: (frame) => ipcRenderer.send(POST, frame),
        stop: () => ipcRenderer.send(STOP, document),
        connect: (id) => ipcRenderer.send(CONNECT, document, id),
        on(channel, handler) {
            if (!events(channel))
                throw new Error(`the preload does not open ${channel} to this page`);
            return listen(channel, (_event, payload) => handler(payload));
        },
    };
    const rpc = {
        async request(channel, payload) {
            if (!mayAsk(channel))
                throw new Error(`the preload does not open ${channel} to this page`);
            return ipcRenderer.invoke(channel, payload);
        },
    };
    // A port cannot pass the context bridge; a message of the window itself carries it to the page.
    listen(PORT, ({ ports }, id) => window.postMessage({ sixframe: "port", id }, "*", [...ports]));
    contextBridge.exposeInMainWorld("electronBridge", bridge);
    contextBridge.exposeInMainWorld("rpc", rpc);
}
//# sourceMappingURL=preload.js.map