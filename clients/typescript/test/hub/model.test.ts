import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { applyOperations, Hub, type Operation } from "../../src/hub.js";
import { Network } from "./network.js";
import { seeded } from "./random.js";
import { ReferenceHub, Refusal, type Json } from "./reference-hub.js";

const SEEDS = Number(process.env["SIXFRAME_MODEL_SEEDS"] ?? 40);
const STEPS = 120;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Made {
  id: number;
  operations: readonly Operation[];
  /** The revision that holds it, as the hub decided. */
  at?: number;
  refused?: boolean;
  /** The client heard that it was refused. */
  toldRefused?: boolean;
}

class Run {
  readonly hub = new ReferenceHub({ counter: 0, log: [], list: [{ id: "a", n: 0 }], object: {} });
  readonly network = new Network(this.hub);
  readonly window = new Hub<Json>(this.network, { client: "window" });
  readonly made: Made[] = [];
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.random() * choices.length)] as T;
  }

  operations(): Operation[] {
    const key = this.pick(["a", "b", "c", "d"]);
    const value = Math.floor(this.random() * 1000);
    return this.pick<() => Operation[]>([
      () => [{ op: "replace", path: "/counter", value }],
      () => [{ op: "add", path: "/log/-", value }],
      () => [{ op: "add", path: `/object/${key}`, value: { value } }],
      () => [{ op: "remove", path: `/object/${key}` }],
      () => [{ op: "merge", path: "/object", value: { [key]: { value }, [this.pick(["a", "b"])]: null } }],
      () => [{ op: "put", path: "/list", by: "id", value: { id: key, n: value } }],
      () => [{ op: "drop", path: "/list", by: "id", key }],
      () => [{ op: "move", path: "/list", by: "id", key, before: this.pick(["a", "b", "c"]) }],
      () => [
        { op: "test", path: "/counter", value: this.pick([0, value]) },
        { op: "add", path: "/log/0", value },
      ],
    ])();
  }

  mutate(): void {
    const operations = this.operations();
    const made: Made = { id: this.made.length + 1, operations };
    this.made.push(made);
    const version = this.window.version;
    const expect = this.random() < 0.2 && version ? { expect: version } : {};
    this.window.commit(operations, expect).catch(() => (made.toldRefused = true));
  }

  async step(): Promise<void> {
    const steps: (() => void)[] = [
      () => this.mutate(),
      () => this.mutate(),
      () => this.commitElsewhere(),
      () => this.handle(),
      () => this.handle(),
      () => this.network.answer(),
      () => this.network.answer(),
      () => this.network.tell(),
      () => this.network.tell(this.pick([0, 1, 2]), (this.network.watch?.cursor ?? 0) + 1),
      () => this.network.tell(2),
      () => this.random() < 0.3 && this.network.cut(),
      () => this.random() < 0.3 && this.hub.evict(),
    ];
    this.pick(steps)();
    await vi.advanceTimersByTimeAsync(this.pick([0, 0, 60, 400]));
  }

  commitElsewhere(): void {
    try {
      this.hub.commit({ ops: this.operations() });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }

  handle(): void {
    const request = this.network.requests.find(({ answer }) => !answer);
    this.network.handle();
    const made = request && this.made[request.commit.mutation.id - 1];
    if (!made || !request.answer) return;
    if (request.answer instanceof Refusal) made.refused = true;
    else made.at ??= request.answer.revision;
  }

  /** What the window may show: a state that was committed, under those of its own changes that this state does not hold. */
  check(step: number): void {
    const version = this.window.version;
    if (!version) return;
    const base = this.hub.history[version.revision];
    const own = this.made.filter(({ at }) => at === undefined || at > version.revision);
    const shown = this.window.state;
    const allowed = [
      replay(
        base,
        own.filter(({ toldRefused }) => !toldRefused),
      ),
      replay(
        base,
        own.filter(({ refused }) => !refused),
      ),
      ...own.map((_, from) =>
        replay(
          base,
          own.filter(({ refused, toldRefused }, at) => !toldRefused && (at >= from || !refused)),
        ),
      ),
    ];
    expect(allowed, `step ${step}, revision ${version.revision}`).toContainEqual(shown);
  }
}

function replay(base: Json | undefined, made: readonly Made[]): unknown {
  return made.reduce<unknown>((state, { operations }) => {
    try {
      return applyOperations(state, operations);
    } catch {
      return state;
    }
  }, base);
}

test(
  "a window shows only what was committed under its own changes, and converges, whatever is lost, doubled or cut",
  { timeout: 120_000 },
  async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const run = new Run(seed);
      run.window.onChange(() => run.check(-1));
      await run.window.ready();
      for (let step = 0; step < STEPS; step += 1) {
        await run.step();
        run.check(step);
      }
      run.hub.commit({ ops: [{ op: "add", path: "/log/-", value: "the last, behind which nothing is lost" }] });
      for (let round = 0; round < 8; round += 1) {
        while (run.network.requests.some(({ answer }) => !answer)) run.handle();
        run.network.settle();
        await vi.advanceTimersByTimeAsync(6_000);
      }
      expect(run.window.state, `seed ${seed}`).toEqual(run.hub.state);
      expect(run.window.pending, `seed ${seed}`).toBe(0);
      const applied = run.made.filter(({ at }) => at !== undefined);
      expect(new Set(applied.map(({ at }) => at)).size, "each mutation is applied once").toBe(applied.length);
      run.window.close();
    }
  },
);
