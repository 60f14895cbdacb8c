/**
 * The relay's traffic: whose call each frame belongs to, what waits for whom, and who is told what at an end. It knows no
 * connector and no Electron.
 */

import { errFrame, limitError, RpcError } from "../errors.js";
import { type Can, type Frame, isObject, type Req } from "../frame.js";
import { Malformed } from "../frame/decode.js";
import type { Transport } from "../transport.js";
import { randomId } from "../transports/random-id.js";
import { back, Call, type Way } from "./call.js";
import type { Limits } from "../limits.js";
import { asked, type Message, open, type Opened, Oversized, own, readdressed } from "./message.js";
import { type Port, Traffic } from "./traffic.js";
import type { Upstream } from "./upstream.js";
import { Window, type WindowId } from "./window.js";

/** What passes through a relay, if both ends have it. */
const CAPABILITIES: readonly unknown[] = ["fc", "ahead", "up", "resume", "lane"];

const HELLO = "rpc.hello";

export class Switch {
  readonly limits: Limits;
  readonly windows = new Map<string, Window>();
  readonly calls = new Map<string, Call>();
  readonly traffic: Traffic;
  dropped = 0;
  /** Begins the ids of this relay's calls too. */
  readonly #serverId = randomId().slice(0, 8);
  readonly #onUpstreamFailed: (reason: string) => void;
  readonly #onDetached: (window: Window, reason: string) => void;
  #nextCall = 0;
  /** How many upstream connections there were: the epoch that windows are told. */
  #connections = 0;

  constructor(
    limits: Limits,
    onUpstreamFailed: (reason: string) => void,
    onDetached: (window: Window, reason: string) => void,
  ) {
    this.limits = limits;
    this.#onUpstreamFailed = onUpstreamFailed;
    this.#onDetached = onDetached;
    this.traffic = new Traffic(limits, {
      onDone: (call) => this.#remove(call),
      onSlow: (call, error) => this.#abort(call, error),
      onFlooded: (window) => this.#endUncredited(window),
      onFailed: (port, reason) => this.#fail(port, reason),
    });
  }

  get upstream(): Upstream {
    return this.traffic.upstream;
  }

  /** Lets a window in. An earlier one of the same sender is fenced: nothing of it is heard any more. `spec: identity.3` */
  attach(id: WindowId, transport: Transport): Window {
    const earlier = this.windows.get(String(id.senderId));
    if (earlier !== undefined) this.detach(earlier, "another document took the window's place");
    const window = new Window(id, transport, (self) => this.traffic.windowSource(self));
    this.windows.set(String(id.senderId), window);
    window.outlet.connect(transport);
    return window;
  }

  /** The window is gone: what it called is cancelled, who called it is told. `spec: relay.8` */
  detach(window: Window, reason: string): void {
    if (!window.isAttached) return;
    window.isAttached = false;
    window.outlet.connect(undefined);
    for (const call of [...window.calls]) {
      this.#remove(call);
      if (call.way === "down") this.traffic.sendOwn(this.upstream, errFrame(call.cid, call.broken("the window is gone")));
      else if (call.isSent && !call.isFinished) this.traffic.sendOwn(this.upstream, can(call.id, "disconnect"));
    }
    for (const { cancels } of this.upstream.takeControlOf(window)) {
      if (cancels !== undefined) this.traffic.sendOwn(this.upstream, can(cancels, "disconnect"));
    }
    this.traffic.forget(window);
    if (this.windows.get(String(window.id.senderId)) === window) this.windows.delete(String(window.id.senderId));
    this.#onDetached(window, reason);
    this.traffic.flush();
  }

  /** The upstream is there: what waited for it is sent. */
  connected(transport: Transport): void {
    this.#connections += 1;
    this.upstream.transport = transport;
    this.upstream.malformed = 0;
    this.upstream.outlet.connect(transport);
    this.traffic.wake(this.upstream);
    this.traffic.flush();
  }

  /** The upstream broke: every call of a window is answered, every call to a window cancelled. `spec: relay.7` */
  disconnected(reason: string): void {
    const { upstream } = this;
    upstream.transport = undefined;
    upstream.outlet.connect(undefined);
    clearTimeout(upstream.stall);
    upstream.stall = undefined;
    for (const control of upstream.control.splice(0)) upstream.settle(control);
    for (const call of [...this.calls.values()]) {
      if (call.way === "down") this.#withdraw(call);
      else if (!call.isFinished) this.#finish(call, own(errFrame(call.cid, call.broken(reason))));
    }
    this.traffic.flush();
  }

  /** Takes in a message of one of the connections. */
  receive(port: Port, message: unknown): void {
    if (port instanceof Window && !port.isAttached) {
      this.dropped += 1;
      return;
    }
    const opened = open(message, this.limits);
    if (opened instanceof Malformed) this.#receiveMalformed(port, opened);
    else if (opened === undefined || !this.#pass(port, opened)) this.dropped += 1;
    this.traffic.flush();
  }

  #receiveMalformed(port: Port, malformed: Malformed): void {
    const { error, head } = malformed;
    const { cid, kind } = head;
    if (kind === "req" && cid !== undefined) {
      const call = this.#madeBy(port, cid);
      if (call === undefined) this.traffic.sendOwn(port, errFrame(cid, error));
      else this.#abort(call, error);
    } else if (kind !== "can" && cid !== undefined && head.dir !== "up") {
      const call = this.#answeredBy(port, cid);
      if (call !== undefined) this.#abort(call, error);
    } else if (malformed instanceof Oversized) {
      this.#fail(port, error.message);
    }
    port.malformed += 1;
    const limit = Math.max(16, this.limits.malformed);
    if (port.malformed === limit) this.#fail(port, limitError("malformed messages", limit, "malformed").message);
  }

  /** Whether the frame was of use. */
  #pass(port: Port, opened: Opened): boolean {
    const { frame } = opened;
    switch (frame.kind) {
      case "req":
        return this.#onReq(port, opened, frame);
      case "can":
        return this.#onCan(port, opened);
      case "nxt": {
        const grants = frame.data === undefined && isObject(frame.fc);
        return frame.dir === "up" ? this.#onCallerFrame(port, opened, grants) : this.#onItem(port, opened, grants);
      }
      case "end":
        return frame.dir === "up" ? this.#onCallerFrame(port, opened, false) : this.#onTerminal(port, opened);
      case "res":
      case "err":
        return this.#onTerminal(port, opened);
    }
  }

  #onReq(port: Port, opened: Opened, req: Req): boolean {
    const live = this.#madeBy(port, req.cid);
    if (live !== undefined) {
      this.#abort(live, new RpcError("DUPLICATE_CID", "the cid is in use by a live request, which ends with this"));
      return true;
    }
    const to = port === this.upstream ? req.meta?.to : undefined;
    if (to === undefined || to === null) {
      const answer = this.#ownAnswer(port, req);
      if (answer !== undefined) {
        this.traffic.sendOwn(port, answer);
        return true;
      }
    }
    const window = port instanceof Window ? port : this.#find(to);
    const way = port === this.upstream ? "down" : "up";
    const refusal = window instanceof RpcError ? window : window.admit(way, this.limits);
    if (refusal !== undefined) this.traffic.sendOwn(port, errFrame(req.cid, refusal));
    else this.#forward(window as Window, way, opened, req);
    return true;
  }

  /** The answers that the relay gives itself. `spec: relay.5` */
  #ownAnswer(port: Port, { cid, method, payload }: Req): Frame | undefined {
    if (method === "rpc.ping") return { kind: "res", cid, ok: true, result: payload ?? null };
    // Each window answers for itself, where `meta.to` names it.
    return method === HELLO && port === this.upstream ? this.#welcome(cid, []) : undefined;
  }

  /** What a window is told for what the upstream said of itself; undefined for a failure that the window is to see. */
  #introduce(cid: string, said: Frame): Frame | undefined {
    // Without the method, it speaks the base profile.
    if (said.kind !== "res" && !(said.kind === "err" && said.code === "NO_HANDLER")) return undefined;
    const named = said.kind === "res" && isObject(said.result) ? said.result.capabilities : undefined;
    const capabilities = Array.isArray(named) ? named.filter((capability) => CAPABILITIES.includes(capability)) : [];
    return this.#welcome(cid, capabilities);
  }

  #welcome(cid: string, capabilities: readonly unknown[]): Frame {
    const { message_bytes: messageBytes, depth, in_flight: inFlight, streams } = this.limits;
    // Another connection may lead to another server, with another state.
    const epoch = `${this.#serverId}.${this.#connections}`;
    const result = {
      versions: ["0.2", "0.3"],
      capabilities,
      limits: { messageBytes, depth, inFlight, streams },
      serverId: this.#serverId,
      epoch,
    };
    return { kind: "res", cid, ok: true, result };
  }

  /** The window that the upstream means. `spec: identity.4` */
  #find(to: unknown): Window | RpcError {
    if (to === undefined || to === null) {
      return new RpcError("NOT_FOUND", "the request names no window; add meta.to with a senderId");
    }
    const { senderId, doc } = isObject(to) ? to : {};
    const isName = (name: unknown) => typeof name === "string" || typeof name === "number";
    if (!isName(senderId) || !(doc === undefined || doc === null || isName(doc))) {
      return new RpcError("INVALID_FRAME", "meta.to is no {senderId, doc}");
    }
    const window = this.windows.get(String(senderId));
    const isMeant = doc === undefined || doc === null || String(doc) === window?.id.doc;
    return window !== undefined && isMeant
      ? window
      : new RpcError("NOT_FOUND", "the window that meta.to names is not there");
  }

  #forward(window: Window, way: Way, opened: Opened, req: Req): void {
    const id = `${this.#serverId}.${this.#nextCall}`;
    this.#nextCall += 1;
    const call = new Call(id, window, way, req.cid, isObject(req.meta?.fc));
    this.calls.set(id, call);
    window.calls.add(call);
    (way === "up" ? window.cids : this.upstream.cids).set(req.cid, call);
    window.direction(way).inFlight += 1;
    this.traffic.queue(call, way, this.#request(call, opened, req));
  }

  /**
   * The request for the responder. Of a window's `rpc.hello` nothing is passed on: the session that it names is one of many
   * behind this connection. `spec: relay.9`
   */
  #request(call: Call, opened: Opened, { method }: Req): Message {
    if (call.way === "down") return readdressed(opened, call.id);
    call.introduces = method === HELLO;
    const { stamp } = call.window;
    return call.introduces ? asked(call.id, HELLO, stamp) : readdressed(opened, call.id, stamp);
  }

  #onCan(port: Port, opened: Opened): boolean {
    const call = this.#madeBy(port, opened.frame.cid);
    if (call === undefined) return false;
    this.#end(call, new RpcError("CANCELLED", "the caller cancelled"), readdressed(opened, call.id));
    return true;
  }

  /** Items and grants of a caller. */
  #onCallerFrame(port: Port, opened: Opened, grants: boolean): boolean {
    const call = this.#madeBy(port, opened.frame.cid);
    if (call === undefined || call.isFinished) return false;
    this.traffic.send(call, call.way, readdressed(opened, call.id), grants && call.isSent);
    return true;
  }

  /** Items and grants of a responder. */
  #onItem(port: Port, opened: Opened, grants: boolean): boolean {
    const call = this.#answeredBy(port, opened.frame.cid);
    if (call === undefined) return false;
    call.streams ||= !grants;
    this.traffic.send(call, back(call.way), readdressed(opened, call.cid), grants);
    return true;
  }

  #onTerminal(port: Port, opened: Opened): boolean {
    const call = this.#answeredBy(port, opened.frame.cid);
    if (call === undefined) return false;
    const introduction = call.introduces ? this.#introduce(call.cid, opened.frame) : undefined;
    this.#finish(call, introduction ? own(introduction) : readdressed(opened, call.cid));
    return true;
  }

  /** The call that this connection made under `cid`. */
  #madeBy(port: Port, cid: string): Call | undefined {
    return port.cids.get(cid);
  }

  /** The unfinished call that this connection was given as `cid`. Nobody answers a call that was not forwarded to him. */
  #answeredBy(port: Port, cid: string): Call | undefined {
    const call = this.calls.get(cid);
    if (call === undefined || call.isFinished || !call.isSent) return undefined;
    return port === (call.way === "up" ? this.upstream : call.window) ? call : undefined;
  }

  /** Ends a call on both sides. */
  #abort(call: Call, error: RpcError): void {
    this.#end(call, error, own(can(call.id)));
  }

  /** Ends a call: its caller gets `error`, its responder `cancel` if it knows of the call. */
  #end(call: Call, error: RpcError, cancel: Message): void {
    this.#remove(call);
    if (call.isSent && !call.isFinished) this.traffic.sendControl(call.window, call.way, cancel, call.id);
    this.traffic.sendControl(call.window, back(call.way), own(errFrame(call.cid, error)));
  }

  /** Takes a call back whose caller is gone. */
  #withdraw(call: Call): void {
    this.#remove(call);
    if (!call.isSent || call.isFinished) return;
    this.traffic.sendControl(call.window, call.way, own(can(call.id, "disconnect")), call.id);
  }

  /** The last frame of a call; it follows the items. */
  #finish(call: Call, terminal: Message): void {
    call.isFinished = true;
    this.traffic.unqueue(call, call.way);
    call.window.direction(call.way).inFlight -= 1;
    this.traffic.queue(call, back(call.way), terminal);
  }

  /** Forgets a call and what waits of it. */
  #remove(call: Call): void {
    this.calls.delete(call.id);
    call.window.calls.delete(call);
    this.traffic.unqueue(call, "up");
    this.traffic.unqueue(call, "down");
    (call.way === "up" ? call.window.cids : this.upstream.cids).delete(call.cid);
    if (!call.isFinished) call.window.direction(call.way).inFlight -= 1;
  }

  /** Ends the streams of a window that grants no credit for what waits for it. `spec: relay.6` */
  #endUncredited(window: Window): void {
    const error = limitError("queued bytes", this.limits.soft_bytes, "soft_bytes", "SLOW_CONSUMER");
    for (const call of [...window.calls]) {
      if (call.way === "up" && !call.hasCredit && call.streams && !call.down.isEmpty) this.#abort(call, error);
    }
  }

  /** Ends a connection that broke the rules. */
  #fail(port: Port, reason: string): void {
    if (port instanceof Window) this.detach(port, reason);
    else this.#onUpstreamFailed(reason);
  }
}

function can(cid: string, reason?: string): Can {
  return reason === undefined ? { kind: "can", cid } : { kind: "can", cid, reason };
}
