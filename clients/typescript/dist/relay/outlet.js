/**
 * What waits for one transport, and when it is posted: as long as the transport has room. Control goes first. It does not
 * know what a call is.
 */
/** Bytes that a transport may buffer before more waits here, where it can still be taken back. */
const ROOM = 256 * 1024;
/** Nothing tells when a transport has room again, so it is looked at this often, in milliseconds. */
const LOOK = 4;
export class Outlet {
    #source;
    #transport;
    #looking;
    constructor(source) {
        this.#source = source;
    }
    /** Posts to `transport` from now on, or to nobody. */
    connect(transport) {
        this.#transport = transport;
        clearTimeout(this.#looking);
        this.#looking = undefined;
    }
    /** Posts what waits, as far as there is room. */
    pump() {
        const transport = this.#transport;
        while (transport !== undefined && transport === this.#transport) {
            if ((transport.buffered ?? 0) > ROOM)
                return this.#lookAgain();
            const message = this.#source.next();
            if (message === undefined)
                return;
            try {
                message.post(transport);
            }
            catch (error) {
                return this.#source.failed(error instanceof Error ? error.message : String(error));
            }
            this.#source.progressed();
        }
    }
    #lookAgain() {
        if (this.#looking !== undefined || !this.#source.hasNext)
            return;
        this.#looking = setTimeout(() => {
            this.#looking = undefined;
            this.pump();
        }, LOOK);
    }
}
//# sourceMappingURL=outlet.js.map