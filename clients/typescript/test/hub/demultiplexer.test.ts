import { expect, test } from "vitest";

import { Demultiplexer } from "../../src/hub.js";

interface Event {
  type: string;
  n: number;
}

function events(): Demultiplexer<Event> {
  return new Demultiplexer<Event>(({ type }) => type, { bound: 3 });
}

test("every consumer gets the values of its name, and a dot at the end means all below it", async () => {
  const source = events();
  const [messages, agents, none] = [source.of("agent.message"), source.of("agent."), source.of("agen")];
  source.push({ type: "agent.message", n: 1 });
  source.push({ type: "agent.ended", n: 2 });
  source.push({ type: "agents.other", n: 3 });
  source.end();
  const values = async (of: AsyncIterable<Event>): Promise<number[]> => {
    const found: number[] = [];
    for await (const { n } of of) found.push(n);
    return found;
  };
  expect([await values(messages), await values(agents), await values(none)]).toEqual([[1], [1, 2], []]);
});

test("a consumer that lags loses the oldest, and is told how many", async () => {
  const source = events();
  const channel = source.of("a");
  for (let n = 0; n < 5; n += 1) source.push({ type: "a", n });
  expect(channel.skipped).toBe(2);
  expect(await channel.next()).toEqual({ done: false, value: { type: "a", n: 2 } });
});

test("returning stops at once, also while a value is awaited", async () => {
  const source = events();
  const channel = source.of("a");
  const waiting = channel.next();
  await channel.return();
  expect(await waiting).toEqual({ done: true, value: undefined });
  source.push({ type: "a", n: 1 });
  expect(await channel.next()).toEqual({ done: true, value: undefined });
});

test("the error of a source reaches every consumer once, behind what came before it", async () => {
  const source = events();
  const channel = source.of("a");
  await source.feed(
    (async function* (): AsyncGenerator<Event> {
      yield { type: "a", n: 1 };
      throw new Error("gone");
    })(),
  );
  expect(await channel.next()).toMatchObject({ done: false });
  await expect(channel.next()).rejects.toThrow("gone");
  expect(await channel.next()).toMatchObject({ done: true });
  await expect(source.of("a").next()).rejects.toThrow("gone");
});
