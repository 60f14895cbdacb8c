import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";

import type { Frame } from "../../src/frame.js";
import { child, ChildTransport } from "../../src/transports/child.js";
import { decoder, encode, type Framing } from "../../src/transports/framing.js";
import { StdioTransport } from "../../src/transports/stdio.js";
import { Listening, req, res } from "./listening.js";

const FRAMINGS: readonly Framing[] = ["newline", "content-length", "native"];

function piped(framing: Framing) {
  const [up, down] = [new PassThrough(), new PassThrough()];
  const parent = new StdioTransport({ input: down, output: up, framing });
  const program = new StdioTransport({ input: up, output: down, framing });
  return { up, down, parent, program };
}

describe.each(FRAMINGS)("with %s framing", (framing) => {
  test("messages survive being cut anywhere", () => {
    const texts = ["{}", '{"é":"😀"}', `{"long":"${"x".repeat(5000)}"}`, '{"a":1}'];
    const bytes = Buffer.concat(texts.map((text) => encode(text, framing)));
    for (const size of [1, 2, 3, 7, 64, 1000, bytes.length]) {
      const taken: unknown[] = [];
      const messages = decoder(framing, 1 << 20, (text) => taken.push(text));
      for (let at = 0; at < bytes.length; at += size) messages.push(bytes.subarray(at, at + size));
      expect(taken).toEqual(texts);
      expect(messages.between).toBe(true);
    }
  });

  test("frames pass both ways, and an end between two is clean", async () => {
    const { parent, program } = piped(framing);
    const [ofParent, ofProgram] = [await Listening.to(parent), await Listening.to(program)];
    parent.post(req("é😀"));
    expect(await ofProgram.next()).toEqual(req("é😀"));
    program.post(res("é😀"));
    expect(await ofParent.next()).toEqual(res("é😀"));
    parent.stop();
    expect(await ofProgram.closed).toEqual({ clean: true, reason: "the input ended" });
  });

  test("one that is stopped before it was started ends its output all the same", async () => {
    const { parent, program } = piped(framing);
    const ofProgram = await Listening.to(program);
    parent.stop();
    expect((await ofProgram.closed).clean).toBe(true);
  });

  test("an end within a message is no clean end", async () => {
    const { up, program } = piped(framing);
    const listening = await Listening.to(program);
    up.end(encode("{}", framing).subarray(0, 2));
    expect(await listening.closed).toEqual({ clean: false, reason: "the input ended within a message" });
  });

  test("a message beyond the limit ends the connection and names the setting", async () => {
    const input = new PassThrough();
    const listening = await Listening.to(new StdioTransport({ input, output: new PassThrough(), framing, messageBytes: 10 }));
    input.write(encode("1234567890", framing));
    input.write(encode("12345678901", framing));
    expect((await listening.closed).reason).toMatch(/of at least 11 bytes exceeds the limit of 10; raise it with messageBytes/);
    expect(listening.frames).toEqual([1234567890]);
  });
});

test("what is no UTF-8 is given on as bytes, for the endpoint to refuse", () => {
  const taken: unknown[] = [];
  const message = Buffer.from('{"kind":"can","cid":"\xff"}', "latin1");
  decoder("newline", 100, (text) => taken.push(text)).push(Buffer.concat([message, Buffer.from("\n")]));
  expect(taken).toEqual([message]);
});

test("headers that name no length or two are an error", () => {
  for (const head of ["X: 1\r\n\r\n", "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "Content-Length: -1\r\n\r\n"]) {
    expect(() => decoder("content-length", 100, () => undefined).push(Buffer.from(head))).toThrow("Content-Length");
  }
  expect(() => decoder("content-length", 100, () => undefined).push(Buffer.alloc(9000, 65))).toThrow("no end of the headers");
});

test("a native host says no more than a browser takes, and goes on", async () => {
  expect(() => encode("x".repeat(1024 * 1024 + 1), "native")).toThrow("browsers take at most 1048576");
  const { parent, program } = piped("native");
  const [ofParent] = [await Listening.to(parent), await Listening.to(program)];
  program.post(res("a", "x".repeat(1024 * 1024)));
  const message = expect.stringContaining("browsers take at most 1048576");
  expect(await ofParent.next()).toMatchObject({ kind: "err", cid: "a", code: "INTERNAL", message });
  program.post(res("b"));
  expect(await ofParent.next()).toEqual(res("b"));
});

const program = (source: string) => ["--input-type=module", "--eval", source];
const ECHO = `
  import { createInterface } from "node:readline";
  for await (const line of createInterface({ input: process.stdin })) {
    const { cid, payload } = JSON.parse(line);
    console.log(JSON.stringify({ kind: "res", cid, ok: true, result: payload ?? null }));
  }`;

test("a child answers and exits when it is stopped", async () => {
  const transport = (await child(process.execPath, program(ECHO))()) as ChildTransport;
  const listening = await Listening.to(transport);
  transport.post(req("a"));
  expect(await listening.next()).toEqual(res("a"));
  const pid = transport.pid ?? 0;
  expect(isAlive(pid)).toBe(true);
  transport.stop();
  await gone(pid);
});

test("a child that ignores the end of its input is killed with all that it started", async () => {
  const source = `
    import { spawn } from "node:child_process";
    const grandchild = spawn(process.execPath, ["--eval", "setInterval(() => {}, 1000)"], { stdio: "inherit" });
    console.log(JSON.stringify({ kind: "res", cid: "pid", ok: true, result: grandchild.pid }));
    setInterval(() => {}, 1000);`;
  const transport = new ChildTransport(process.execPath, program(source), { graceMs: 10 });
  const listening = await Listening.to(transport);
  const { result } = (await listening.next()) as { result: number };
  transport.stop();
  await gone(transport.pid ?? 0);
  await gone(result);
});

test("what a child started goes with it", async () => {
  const source = `
    import { spawn } from "node:child_process";
    const grandchild = spawn(process.execPath, ["--eval", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    grandchild.unref();
    process.stdout.write(JSON.stringify({ kind: "res", cid: "pid", ok: true, result: grandchild.pid }) + "\\n");
    process.stdin.unref();`;
  const listening = await Listening.to(new ChildTransport(process.execPath, program(source)));
  const { result } = (await listening.next()) as { result: number };
  expect((await listening.closed).clean).toBe(true);
  await gone(result);
});

test("how a child ended is told, with what it last wrote to stderr", async () => {
  const lines: string[] = [];
  const crash = `console.error("one"); console.error("two"); process.exitCode = 3;`;
  const failing = new ChildTransport(process.execPath, program(crash), { onStderr: (line) => lines.push(line) });
  const { clean, reason } = await (await Listening.to(failing)).closed;
  expect(clean).toBe(false);
  expect(reason).toBe(`${process.execPath} exited with status 3\none\ntwo`);
  expect(lines).toEqual(["one", "two"]);
  const done = await Listening.to(new ChildTransport(process.execPath, program("")));
  expect((await done.closed).clean).toBe(true);
});

test("what is written to a child's stderr when it has exited is told with its end", async () => {
  // A program in a group of its own, which writes when nobody knows the child any more.
  const source = `
    import { spawn } from "node:child_process";
    const stdio = ["ignore", "ignore", "inherit"];
    const late = "while kill -0 " + process.pid + " 2>/dev/null; do :; done; echo late >&2";
    spawn("sh", ["-c", late], { detached: true, stdio }).unref();
    process.exit(3);`;
  const { reason } = await (await Listening.to(new ChildTransport(process.execPath, program(source)))).closed;
  expect(reason).toBe(`${process.execPath} exited with status 3\nlate`);
});

test("a child that says too much is ended for it, however it exits", async () => {
  const source = `process.stdout.write("x".repeat(1000) + "\\n"); process.stdin.resume();`;
  const listening = await Listening.to(new ChildTransport(process.execPath, program(source), { messageBytes: 100 }));
  const { clean, reason } = await listening.closed;
  expect(clean).toBe(false);
  expect(reason).toContain("exited with status 0: a message of at least");
});

test("the last words of a child that exits are read", async () => {
  const source = `process.stdout.write(JSON.stringify({ kind: "can", cid: "x".repeat(300000) }) + "\\n"); process.exitCode = 0`;
  const listening = await Listening.to(new ChildTransport(process.execPath, program(source)));
  expect(((await listening.next()) as Frame).cid.length).toBe(300_000);
  expect((await listening.closed).clean).toBe(true);
});

test("a program that is not there cannot be connected to", async () => {
  await expect(Listening.to(new ChildTransport("/nowhere/at-all"))).rejects.toThrow("cannot start /nowhere/at-all");
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** There is no event for a process that is not our child. */
async function gone(pid: number): Promise<void> {
  await expect.poll(() => isAlive(pid), { timeout: 10_000, interval: 5 }).toBe(false);
}
