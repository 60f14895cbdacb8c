/** What a relay keeps of its upstream: the calls that came from there, and what waits to go there. */
import { Outlet } from "./outlet.js";
export class Upstream {
    outlet;
    transport;
    /** The calls that it made, by its own ids. */
    cids = new Map();
    control = [];
    /** The windows that have data to send, one message each in turn. */
    ring = [];
    /** All bytes that wait. */
    bytes = 0;
    /** Of these, the relay's own. */
    ownBytes = 0;
    malformed = 0;
    stall;
    constructor(source) {
        this.outlet = new Outlet(source);
    }
    get isConnected() {
        return this.transport !== undefined;
    }
    /** Settles the account of a control message that left. */
    settle({ message: { bytes }, window }) {
        this.bytes -= bytes;
        if (window === undefined)
            this.ownBytes -= bytes;
        else
            window.up.bytes -= bytes;
    }
    /** Everything that waits for nothing; what a window's call is owed goes with it. */
    takeControlOf(window) {
        const theirs = this.control.filter((control) => control.window === window);
        this.control = this.control.filter((control) => control.window !== window);
        for (const control of theirs)
            this.settle(control);
        return theirs;
    }
    /** The message that is next in the queue of cancels, grants and answers. */
    shiftControl() {
        const control = this.control.shift();
        if (control !== undefined)
            this.settle(control);
        return control?.message;
    }
}
//# sourceMappingURL=upstream.js.map