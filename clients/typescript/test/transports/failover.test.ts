import { expect, test } from "vitest";

import type { Frame } from "../../src/frame.js";
import type { Connector, OnClose, OnFrame, Transport } from "../../src/transport.js";
import { RpcError } from "../../src/errors.js";
import { failover } from "../../src/transports/failover.js";
import { Listening, req } from "./listening.js";

/** A transport whose two ends the test holds. */
class Scripted implements Transport {
  readonly posted: Frame[] = [];
  readonly buffered = 7;
  stopped = 0;
  onFrame: OnFrame = () => undefined;
  onClose: OnClose = () => undefined;
  readonly #start: (self: Scripted) => void | Promise<void>;

  constructor(start: (self: Scripted) => void | Promise<void> = () => undefined) {
    this.#start = start;
  }

  start(onFrame: OnFrame, onClose: OnClose = () => undefined): void | Promise<void> {
    this.onFrame = onFrame;
    this.onClose = onClose;
    return this.#start(this);
  }

  post(frame: Frame): void {
    this.posted.push(frame);
  }

  stop(): void {
    this.stopped += 1;
  }
}

const failing = (message: string): Connector => () => {
  throw new Error(message);
};

test("the first connection that can be made is used, and the first is preferred again later", async () => {
  const [preferred, spare] = [new Scripted(), new Scripted()];
  let isBack = false;
  const connect = failover([() => (isBack ? preferred : failing("away")()), () => spare]);
  const over = await connect();
  await Listening.to(over);
  over.post(req("a"));
  expect([spare.posted, over.buffered]).toEqual([[req("a")], 7]);
  isBack = true;
  await Listening.to(await connect());
  expect(preferred.posted).toEqual([]);
  over.stop();
  expect([preferred.stopped, spare.stopped]).toEqual([0, 1]);
});

test("one that fails while it starts is stopped and heard no more", async () => {
  const [rejecting, closing, good] = [
    new Scripted(() => Promise.reject(new Error("refused"))),
    new Scripted(({ onClose }) => onClose({ clean: false, reason: "closed at once" })),
    new Scripted(),
  ];
  const listening = await Listening.to(await failover([() => rejecting, () => closing, () => good])());
  expect([rejecting.stopped, closing.stopped]).toEqual([1, 1]);
  rejecting.onFrame("late");
  closing.onClose({ clean: false, reason: "late" });
  good.onFrame("1");
  good.onClose({ clean: true, reason: "done" });
  expect(listening.frames).toEqual([1]);
  expect(await listening.closed).toEqual({ clean: true, reason: "done" });
});

test("the failure of all names each reason, that of one is its own", async () => {
  const all = await failover([failing("one"), async () => failing("two")()])();
  await expect(Listening.to(all)).rejects.toThrow("none of 2 connections can be made: one; two");
  await expect(Listening.to(await failover([failing("only")])())).rejects.toThrow(/^only$/);
  await expect(Listening.to(await failover([])())).rejects.toThrow("nothing to connect to");
});

test("the failure of all is final where each is", async () => {
  const refusing = (message: string) => () => {
    throw new RpcError("UNAUTHORIZED", message);
  };
  const all = await failover([refusing("one"), refusing("two")])();
  await expect(Listening.to(all)).rejects.toMatchObject({ code: "UNAUTHORIZED", message: "one" });
  const some = await failover([refusing("one"), failing("two")])();
  await expect(Listening.to(some)).rejects.toThrow(AggregateError);
});

test("stopping while it tries ends the trying", async () => {
  let answer!: (transport: Transport) => void;
  const slow = new Promise<Transport>((resolve) => (answer = resolve));
  const [first, second] = [new Scripted(), new Scripted()];
  const over = await failover([() => slow, () => second])();
  const started = Listening.to(over);
  over.stop();
  answer(first);
  await expect(started).rejects.toThrow("stopped before");
  expect([first.stopped, second.stopped]).toEqual([1, 0]);
});
