/** Frames over a WebSocket, one text message each, as the daemon serves them. Connecting again is the endpoint's business. */
/** The subprotocol that both sides name. */
export const SUBPROTOCOL = "sixframe.v0";
const OPEN = 1;
/** The codes of a close in good order: done, going away, and none given. */
const CLEAN = [1000, 1001, 1005];
/**
 * One WebSocket. `start` resolves once it is open and rejects where it cannot be opened; browsers do not say why.
 *
 * A close with 1000, 1001 or no code is clean. `stop` sends what was posted and closes with 1000.
 */
export class WebSocketTransport {
    #url;
    #options;
    #socket;
    #stopped = false;
    constructor(url, options = {}) {
        this.#url = url;
        this.#options = options;
    }
    async start(onFrame, onClose = () => undefined) {
        const socket = await this.#make();
        if (this.#stopped)
            throw new Error("stopped before it was connected");
        this.#socket = socket;
        await new Promise((resolve, reject) => {
            const tooLate = setTimeout(() => {
                reject(new Error(`${this.#url} did not answer within ${this.#openMs} ms; see openMs`));
                socket.close();
            }, this.#openMs);
            let opened = false;
            let why = "";
            socket.addEventListener("open", () => {
                opened = true;
                clearTimeout(tooLate);
                resolve();
            });
            // Only Node's says more than that it failed.
            socket.addEventListener("error", ({ message }) => (why = message ?? ""));
            socket.addEventListener("message", ({ data }) => {
                if (typeof data === "string")
                    onFrame(data);
                else
                    socket.close(1003, "only text is spoken here");
            });
            socket.addEventListener("close", ({ code, reason, wasClean }) => {
                clearTimeout(tooLate);
                if (!opened)
                    return reject(new Error(this.#stopped ? "stopped before it was connected" : refused(this.#url, why)));
                if (this.#stopped)
                    return;
                const clean = wasClean && CLEAN.includes(code);
                onClose({ clean, reason: reason === "" ? `the WebSocket closed with code ${code}` : reason });
            });
        });
    }
    post(frame) {
        this.postText(JSON.stringify(frame));
    }
    /** Sends a frame that is text already, byte for byte. */
    postText(text) {
        if (this.#socket?.readyState !== OPEN)
            throw new Error("the WebSocket is not open");
        this.#socket.send(text);
    }
    stop() {
        if (this.#stopped)
            return;
        this.#stopped = true;
        this.#socket?.close(1000);
    }
    get buffered() {
        return this.#socket?.bufferedAmount ?? 0;
    }
    get #openMs() {
        return this.#options.openMs ?? 10_000;
    }
    async #make() {
        const { token } = this.#options;
        const secret = typeof token === "function" ? await token() : token;
        const Socket = this.#options.WebSocket ?? globalThis.WebSocket;
        if (Socket === undefined)
            throw new Error("there is no WebSocket here; give the option WebSocket, from the package ws");
        return new Socket(this.#url, secret === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, `sixframe.token.${secret}`]);
    }
}
/** Connects to `url` each time it is asked. */
export function webSocket(url, options = {}) {
    return () => new WebSocketTransport(url, options);
}
function refused(url, why) {
    const causes = "is the daemon there, is the token right, and is this page's origin in ws.allowed_origins?";
    return `cannot connect to ${url}: ${why === "" ? causes : why}`;
}
//# sourceMappingURL=websocket.js.map