/** The relay's way to its upstream: one connection, or, by a connector, one after another with growing pauses between. */
export class Link {
    #connect;
    #again;
    #backoff;
    #events;
    #transport;
    #pause;
    #failures = 0;
    #closed = false;
    constructor(upstream, backoff, events) {
        this.#connect = typeof upstream === "function" ? upstream : () => upstream;
        this.#again = typeof upstream === "function";
        this.#backoff = backoff;
        this.#events = events;
    }
    /** Connects, and never throws: what fails is told. */
    start() {
        void this.#attempt();
    }
    /** Gives the present connection up. */
    lose(reason) {
        const transport = this.#transport;
        if (transport === undefined)
            return;
        this.#transport = undefined;
        transport.stop();
        this.#lost(reason);
    }
    close() {
        this.#closed = true;
        clearTimeout(this.#pause);
        this.#transport?.stop();
        this.#transport = undefined;
    }
    async #attempt() {
        let transport;
        let isOpen = false;
        const early = [];
        const isCurrent = () => this.#transport === transport;
        try {
            transport = await this.#connect();
            let ended;
            await transport.start((message) => {
                // One that was heard is stable: the next break may be repaired at once.
                this.#failures = 0;
                if (isOpen && isCurrent())
                    this.#events.onFrame(message);
                else if (!isOpen)
                    early.push(message);
            }, ({ reason }) => {
                ended = reason;
                if (!isOpen || !isCurrent())
                    return;
                this.#transport = undefined;
                this.#lost(reason);
            });
            if (ended !== undefined)
                throw new Error(ended);
            if (this.#closed)
                return transport.stop();
        }
        catch (error) {
            transport?.stop();
            return this.#lost(error instanceof Error ? error.message : String(error));
        }
        isOpen = true;
        this.#transport = transport;
        this.#events.onConnected(transport);
        for (const message of early) {
            if (isCurrent())
                this.#events.onFrame(message);
        }
    }
    #lost(reason) {
        if (this.#closed)
            return;
        this.#events.onLost(reason, !this.#again);
        if (!this.#again)
            return;
        const span = Math.min(this.#backoff.firstMs * 2 ** this.#failures, this.#backoff.longestMs);
        this.#failures = Math.min(this.#failures + 1, 20);
        this.#pause = setTimeout(() => void this.#attempt(), span * Math.random());
    }
}
//# sourceMappingURL=link.js.map