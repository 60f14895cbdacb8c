import { MessageChannel, Worker } from "node:worker_threads";
import { expect, test } from "vitest";

import { MessagePortTransport } from "../../src/transports/message-port.js";
import { takeTransferables, transfer } from "../../src/transports/transfer.js";
import { worker, workerScope } from "../../src/transports/worker.js";
import { Listening, req, res } from "./listening.js";

async function pair() {
  const { port1, port2 } = new MessageChannel();
  const [left, right] = [new MessagePortTransport(port1), new MessagePortTransport(port2)];
  return { left, right, ofLeft: await Listening.to(left), ofRight: await Listening.to(right) };
}

test("frames pass in order and as clones", async () => {
  const { left, right, ofRight } = await pair();
  const payload = { at: new Date(0), bytes: new Uint8Array([1, 2]) };
  for (const cid of ["a", "b", "c"]) left.post(req(cid, "m", payload));
  for (const cid of ["a", "b", "c"]) expect(await ofRight.next()).toEqual(req(cid, "m", payload));
  expect(payload.bytes.length).toBe(2);
  right.stop();
});

test("marked bytes are moved, at any depth, and others are copied", async () => {
  const { left, right, ofRight } = await pair();
  const [moved, kept] = [new Uint8Array(1 << 20), new Uint8Array(8)];
  left.post(req("a", "m", { deep: [{ moved: transfer(moved), kept }] }));
  expect([moved.length, kept.length]).toEqual([0, 8]);
  const { payload } = (await ofRight.next()) as { payload: { deep: [{ moved: Uint8Array; kept: Uint8Array }] } };
  expect([payload.deep[0].moved.length, payload.deep[0].kept.length]).toEqual([1 << 20, 8]);
  right.stop();
});

test("a mark counts once", () => {
  const bytes = transfer(new Uint8Array(8));
  const several = transfer({ any: "thing" }, [new ArrayBuffer(1), new ArrayBuffer(2)]);
  expect(takeTransferables([{ bytes }, bytes, several]).length).toBe(3);
  // Another mark is still looked for.
  const other = transfer(new ArrayBuffer(1));
  expect(takeTransferables([{ bytes }, bytes, several])).toEqual([]);
  expect(takeTransferables(other)).toEqual([other]);
});

test("a goodbye is a clean end, and nothing is posted after it", async () => {
  const { left, right, ofRight, ofLeft } = await pair();
  left.post(req("a"));
  left.stop();
  left.stop();
  expect(await ofRight.next()).toEqual(req("a"));
  expect(await ofRight.closed).toEqual({ clean: true, reason: "the peer closed the port" });
  expect(() => right.post(req("b"))).toThrow("closed");
  expect(() => left.post(req("b"))).toThrow("closed");
  expect(ofLeft.frames).toEqual([]);
});

test("one that is stopped before it was started lets go all the same", async () => {
  const { port1, port2 } = new MessageChannel();
  const listening = await Listening.to(new MessagePortTransport(port2));
  new MessagePortTransport(port1).stop();
  expect((await listening.closed).clean).toBe(true);
});

test("a port that closes without a goodbye is no clean end", async () => {
  const { port1, port2 } = new MessageChannel();
  const listening = await Listening.to(new MessagePortTransport(port1));
  port2.close();
  expect(await listening.closed).toMatchObject({ clean: false });
});

test("what cannot be cloned fails its own call, on both sides", async () => {
  const { left, right, ofLeft, ofRight } = await pair();
  const uncloneable = () => 1;
  left.post(req("a", "m", uncloneable));
  expect(await ofLeft.next()).toMatchObject({ kind: "err", cid: "a", code: "INVALID_PAYLOAD" });
  left.post({ kind: "nxt", cid: "b", dir: "up", seq: 1, data: uncloneable });
  expect(await ofLeft.next()).toMatchObject({ kind: "err", cid: "b", code: "INVALID_PAYLOAD" });
  expect(await ofRight.next()).toEqual({ kind: "can", cid: "b" });
  left.post(res("c", uncloneable));
  expect(await ofRight.next()).toMatchObject({ kind: "err", cid: "c", code: "INTERNAL" });
  left.post({ kind: "nxt", cid: "d", seq: 1, data: uncloneable });
  expect(await ofRight.next()).toMatchObject({ kind: "err", cid: "d", code: "INTERNAL" });
  expect(await ofLeft.next()).toEqual({ kind: "can", cid: "d" });
  left.post(req("e"));
  expect(await ofRight.next()).toEqual(req("e"));
  right.stop();
});

const ECHO = `
  import { parentPort } from "node:worker_threads";
  parentPort.on("message", (frame) => {
    if (frame.method === "crash") throw new Error("boom");
    if (frame.kind) parentPort.postMessage({ kind: "res", cid: frame.cid, ok: true, result: frame.payload });
  });`;

const inline = (source: string) => new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));

test("a worker answers, and stop terminates it", async () => {
  const thread = inline(ECHO);
  const exited = new Promise((resolve) => thread.once("exit", resolve));
  const transport = await worker(() => thread)();
  const listening = await Listening.to(transport);
  transport.post(req("a"));
  expect(await listening.next()).toEqual(res("a"));
  transport.stop();
  await exited;
});

test("a worker that crashes or cannot be started ends the connection", async () => {
  const transport = await worker(() => inline(ECHO))();
  const crashing = await Listening.to(transport);
  transport.post(req("a"));
  await crashing.next();
  transport.post(req("b", "crash"));
  expect(await crashing.closed).toEqual({ clean: false, reason: "the worker exited with code 1" });
  const broken = await Listening.to(await worker(() => inline("import './nowhere.js'"))());
  expect((await broken.closed).reason).toMatch(/^the worker failed to start: /);
});

test("a worker's scope is a transport", async () => {
  const { port1, port2 } = new MessageChannel();
  const [scope, page] = [workerScope(port1), new MessagePortTransport(port2)];
  const inside = await Listening.to(scope);
  const outside = await Listening.to(page);
  page.post(req("a"));
  expect(await inside.next()).toEqual(req("a"));
  scope.post(res("a"));
  expect(await outside.next()).toEqual(res("a"));
  page.stop();
  expect(await inside.closed).toMatchObject({ clean: true });
});

test("the end of a worker's connection is not the worker's end", async () => {
  const { port1, port2 } = new MessageChannel();
  let closed = 0;
  const scope = Object.assign(port1, { close: () => (closed += 1) });
  const inside = await Listening.to(workerScope(scope));
  const page = new MessagePortTransport(port2);
  await Listening.to(page);
  page.stop();
  await inside.closed;
  const again = workerScope(scope);
  await Listening.to(again);
  again.stop();
  expect(closed).toBe(0);
});
