/** What a relay keeps of its upstream: the calls that came from there, and what waits to go there. */

import type { Transport } from "../transport.js";
import type { Call } from "./call.js";
import type { Message } from "./message.js";
import { Outlet, type Source } from "./outlet.js";
import type { Window } from "./window.js";

/** A frame of the control lane. */
export interface Control {
  readonly message: Message;
  /** On whose account it waits; the relay's own where there is none. */
  readonly window: Window | undefined;
  /** The call that it cancels: this must arrive even where the window goes meanwhile. */
  readonly cancels: string | undefined;
}

export class Upstream {
  readonly outlet: Outlet;
  transport: Transport | undefined;
  /** The calls that it made, by its own ids. */
  readonly cids = new Map<string, Call>();
  control: Control[] = [];
  /** The windows that have data to send, one message each in turn. */
  readonly ring: Window[] = [];
  /** All bytes that wait. */
  bytes = 0;
  /** Of these, the relay's own. */
  ownBytes = 0;
  malformed = 0;
  stall: ReturnType<typeof setTimeout> | undefined;

  constructor(source: Source) {
    this.outlet = new Outlet(source);
  }

  get isConnected(): boolean {
    return this.transport !== undefined;
  }

  /** Settles the account of a control message that left. */
  settle({ message: { bytes }, window }: Control): void {
    this.bytes -= bytes;
    if (window === undefined) this.ownBytes -= bytes;
    else window.up.bytes -= bytes;
  }

  /** Everything that waits for nothing; what a window's call is owed goes with it. */
  takeControlOf(window: Window): Control[] {
    const theirs = this.control.filter((control) => control.window === window);
    this.control = this.control.filter((control) => control.window !== window);
    for (const control of theirs) this.settle(control);
    return theirs;
  }

  /** The message that is next in the queue of cancels, grants and answers. */
  shiftControl(): Message | undefined {
    const control = this.control.shift();
    if (control !== undefined) this.settle(control);
    return control?.message;
  }
}

