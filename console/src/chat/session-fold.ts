/**
 * The history of a session, from its events. Pure: envelopes go in, entries can be looked at. Bounded in memory: of what is old,
 * long parts are given up first, and whole entries then; the log has them all.
 */

import type { AgentEnvelope } from "../api.js";
import { ChangedFiles } from "./changed-files.js";
import { isFinal, parted, type Entry, type ItemEntry, type Turn } from "./entry.js";
import { NO_FACTS, updated, type Facts } from "./facts.js";
import { begun, ended, enlarged, patched, released, weight } from "./item-fold.js";
import { remark } from "./remarks.js";

/** What became of an envelope: `gap` says that some before it are missing. */
export type Taken = "taken" | "old" | "gap";

/** How much is kept. */
export interface Room {
  /** Characters of all entries together. */
  characters: number;
  entries: number;
}

const ROOM: Room = { characters: 12_000_000, entries: 20_000 };

/** How much is left of what there is room for when something has to go. */
const FREED = 0.9;
/** Entries that stay whatever they weigh: each of them is bounded. */
const NEWEST = 50;

/** How many that became final are remembered as such. */
const SETTLED = 20;

/** Tools of a turn whose outputs are shown where it has no other answer. */
const ANSWERS = 5;

/**
 * Of prompts that were taken back, how much is known of what they said: as many as four full queues of the daemon hold, and
 * what two of them may say. A stop takes back a whole queue at once, and another one may follow before anybody looks.
 */
const TAKEN_BACK = { prompts: 4 * 64, characters: 2 * (16 << 20) };

/** Prompts that joined a turn of which is known what they said: an agent that does not take them gives them back, also behind its end. */
const STEERED = 2 * 64;

/** Events that told what a prompt that waits says of which the numbers are known: the last of them. */
const TOLD = 50;

/** What a turn is until it ends. */
interface OpenTurn {
  turn: Turn;
  files: ChangedFiles;
  /** Items that are not done. */
  items: Set<string>;
  /** The last tools that the agent itself used. */
  tools: string[];
  /** Whether the agent said something. */
  isSaid: boolean;
}

export class SessionFold {
  readonly sessionId: string;
  /** Rises whenever entries come, go, or take another place in the tree. */
  structure = 0;
  /** What is known of the session as a whole. */
  facts: Facts = NO_FACTS;
  /** The life of the log that `seq` counts in; empty before the first event. */
  epoch = "";
  /** The number of the last event that was taken. */
  seq = 0;
  /** Entries that were given up as a whole. */
  forgotten = 0;
  /** What prompts said that were taken back, by their ids: the last of them. */
  readonly takenBack = new Map<string, string>();
  readonly #room: Room;
  readonly #entries = new Map<string, Entry>();
  readonly #children = new Map<string, string[]>();
  readonly #weights = new Map<string, number>();
  readonly #turns = new Map<string, OpenTurn>();
  readonly #asked = new Map<string, string>();
  /** The numbers of the events that told what each prompt that waits says, by its id. */
  readonly #told = new Map<string, readonly number[]>();
  /** Prompts that joined a turn, the latest last. */
  readonly #steered = new Set<string>();
  /** Entries that became final, the latest last, by the event that made them so. */
  #settled: { seq: number; key: string }[] = [];
  #weight = 0;

  constructor(sessionId: string, room: Room = ROOM) {
    this.sessionId = sessionId;
    this.#room = room;
  }

  /** All entries, in the order in which they came. */
  entries(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  get size(): number {
    return this.#entries.size;
  }

  entry(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** The keys of what belongs to an item. */
  childrenOf(key: string): readonly string[] {
    return this.#children.get(key) ?? [];
  }

  /** Whether an entry stands below another one that is there. */
  hasParent(entry: Entry): boolean {
    return entry.type === "item" && entry.parent !== undefined && this.#entries.has(itemKey(entry.parent));
  }

  /** The turn, while it is open or its end is kept. */
  turn(turnId: string): Turn | undefined {
    const ended = this.#entries.get(turnKey(turnId));
    return ended?.type === "turn" ? ended.turn : this.#turns.get(turnId)?.turn;
  }

  /** Entries that became final behind an event: the last of them, where there are many. */
  settled(from: number): readonly Entry[] {
    return this.#settled.flatMap(({ seq, key }) => (seq > from ? (this.#entries.get(key) ?? []) : []));
  }

  /** The first event behind `seq` that tells what a prompt says that waits: who changed what `seq` told made that one. */
  toldBehind(promptId: string, seq: number): number | undefined {
    return this.#told.get(promptId)?.find((told) => told > seq);
  }

  /** Characters that are kept, roughly. */
  get weight(): number {
    return this.#weight;
  }

  /** Forgets everything: the log begins anew. */
  reset(): void {
    const all = [this.#entries, this.#children, this.#weights, this.#turns, this.#asked, this.#told, this.#steered, this.takenBack];
    for (const map of all) map.clear();
    this.facts = NO_FACTS;
    this.#settled = [];
    [this.epoch, this.seq, this.forgotten, this.#weight] = ["", 0, 0, 0];
    this.structure += 1;
  }

  /** Takes the next event. One of another life of the log begins anew; one that was taken before is left out. */
  take(envelope: AgentEnvelope): Taken {
    if (this.epoch !== "" && envelope.epoch !== this.epoch) this.reset();
    if (envelope.seq <= this.seq) return "old";
    if (envelope.seq > this.seq + 1) return "gap";
    this.epoch = envelope.epoch;
    this.seq = envelope.seq;
    this.#apply(envelope, Date.parse(envelope.ts));
    return "taken";
  }

  #apply(envelope: AgentEnvelope, at: number): void {
    const turnId = envelope.turnId ?? undefined;
    switch (envelope.type) {
      case "item.upserted":
      case "item.delta":
        return this.#item(envelope, at, turnId);
      case "turn.started": {
        const turn = openedTurn(turnId ?? "", envelope.data.promptId ?? "", at);
        this.#turns.set(turn.turnId, begunTurn(turn, this.facts.cwd));
        this.facts = { ...this.facts, turnId: turn.turnId };
        return this.#rest(envelope, at);
      }
      case "turn.ended":
        return this.#end(envelope.data, turnId ?? "", envelope.seq, at);
      case "turn.undone":
        return this.#undo(envelope.data.turnId);
      case "diff.updated":
        if (envelope.data.scope === "turn") this.#turns.get(turnId ?? "")?.files.turn(envelope.data.files);
        return;
      case "files.changed":
        this.#turns.get(turnId ?? "")?.files.seen(envelope.data.files);
        return;
      case "prompt.queued":
        this.#steered.delete(envelope.data.promptId);
        this.#asked.set(envelope.data.promptId, parted(envelope.data.content).text);
        this.#told.set(envelope.data.promptId, [...(this.#told.get(envelope.data.promptId) ?? []), envelope.seq].slice(-TOLD));
        return;
      case "prompt.started":
        this.#asked.delete(envelope.data.promptId);
        this.#told.delete(envelope.data.promptId);
        return;
      case "prompt.steered":
        return this.#steer(envelope.data.promptId);
      case "prompt.cancelled":
        this.#takeBack(envelope.data.promptId);
        return this.#rest(envelope, at);
      case "permission.requested":
        this.#asked.set(envelope.data.permissionId, envelope.data.title);
        return this.#mark(envelope.itemId, true);
      case "question.requested":
        this.#asked.set(envelope.data.questionId, envelope.data.questions.map(({ text }) => text).join(" "));
        return this.#mark(envelope.itemId, true);
      default:
        return this.#rest(envelope, at);
    }
  }

  /** What changes what is known of the session, and what is only remarked. */
  #rest(envelope: AgentEnvelope, at: number): void {
    if (envelope.type === "permission.resolved" || envelope.type === "question.resolved") this.#mark(envelope.itemId, false);
    const before = this.facts;
    this.facts = updated(before, envelope);
    const said = remark(envelope, { before, at, titleOf: (id) => this.#taken(id) });
    if (said) this.#put(said);
  }

  #steer(promptId: string): void {
    this.#steered.add(promptId);
    this.#told.delete(promptId);
    for (const id of this.#steered) {
      if (this.#steered.size <= STEERED) return;
      this.#steered.delete(id);
      this.#asked.delete(id);
    }
  }

  #takeBack(promptId: string): void {
    this.#steered.delete(promptId);
    this.#told.delete(promptId);
    this.takenBack.set(promptId, this.#asked.get(promptId) ?? "");
    let characters = [...this.takenBack.values()].reduce((sum, said) => sum + said.length, 0);
    for (const [id, said] of this.takenBack) {
      if (this.takenBack.size <= TAKEN_BACK.prompts && characters <= TAKEN_BACK.characters) return;
      this.takenBack.delete(id);
      characters -= said.length;
    }
  }

  #mark(itemId: string | null | undefined, isAsked: boolean): void {
    const entry = this.#entries.get(itemKey(itemId ?? ""));
    if (entry?.type === "item" && entry.isAsked !== isAsked) this.#put({ ...entry, isAsked }, entry);
  }

  #taken(id: string): string {
    const title = this.#asked.get(id) ?? "";
    this.#asked.delete(id);
    return title;
  }

  #item(envelope: AgentEnvelope & { type: "item.upserted" | "item.delta" }, at: number, turnId: string | undefined): void {
    const itemId = envelope.itemId ?? "";
    const known = this.#entries.get(itemKey(itemId));
    const start = { key: itemKey(itemId), seq: envelope.seq, at, turnId, itemId };
    const isDelta = envelope.type === "item.delta";
    const kind = isDelta ? (envelope.data.field === "thought" ? "thought" : "agent_message") : envelope.data.kind;
    const entry = known?.type === "item" ? known : begun(start, kind);
    const told = isDelta ? enlarged(entry, envelope.data) : patched(entry, envelope.data, at);
    // What is done waits for nobody, also where a daemon that was killed could not say so.
    const next = { ...told, last: envelope.seq, isAsked: told.isAsked && !isFinal(told.status) };
    const changes = isDelta ? undefined : envelope.data.tool?.changes;
    const open = this.#turns.get(turnId ?? "");
    if (changes) open?.files.item(itemId, changes);
    if (open) note(open, next);
    if (isFinal(next.status)) open?.items.delete(next.key);
    else open?.items.add(next.key);
    this.#put(next, known?.type === "item" ? known : undefined);
  }

  #end(data: (AgentEnvelope & { type: "turn.ended" })["data"], turnId: string, seq: number, at: number): void {
    const unknown = begunTurn(openedTurn(turnId, "", at), "");
    const { turn, files, items, tools, isSaid } = this.#turns.get(turnId) ?? unknown;
    this.#turns.delete(turnId);
    for (const key of items) {
      const entry = this.#entries.get(key);
      if (entry?.type === "item") this.#put(ended(entry, at), entry);
    }
    for (const key of isSaid || data.outcome !== "completed" ? [] : tools) {
      const entry = this.#entries.get(key);
      if (entry?.type === "item") this.#put({ ...entry, isAnswer: true }, entry);
    }
    const done: Turn = {
      ...turn,
      outcome: data.outcome,
      error: data.error ?? undefined,
      usage: data.usage ?? undefined,
      cost: data.cost ?? undefined,
      durationMs: data.durationMs,
      files: files.list(),
    };
    this.#put({ type: "turn", key: turnKey(turnId), seq, at, turnId, turn: done });
    this.facts = { ...this.facts, turnId: undefined, turns: this.facts.turns + 1, costs: summed(this.facts.costs, done) };
  }

  #undo(turnId: string): void {
    const entry = this.#entries.get(turnKey(turnId));
    if (entry?.type === "turn") this.#put({ ...entry, turn: { ...entry.turn, isUndone: true } });
  }

  #put(entry: Entry, before?: ItemEntry): void {
    const isNew = !this.#entries.has(entry.key);
    this.#entries.set(entry.key, entry);
    this.#weigh(entry);
    if (isDone(entry) && !(before && isDone(before))) this.#settled = [...this.#settled.slice(1 - SETTLED), { seq: this.seq, key: entry.key }];
    const parent = entry.type === "item" ? entry.parent : undefined;
    if (parent !== undefined && parent !== before?.parent) {
      const siblings = this.#children.get(itemKey(parent)) ?? [];
      this.#children.set(itemKey(parent), [...siblings, entry.key]);
    }
    const tells = entry.type === "item" && entry.kind !== before?.kind;
    if (isNew || tells || parent !== before?.parent) this.structure += 1;
    if (this.#weight > this.#room.characters) this.#release();
    if (this.#weight > this.#room.characters || this.#entries.size > this.#room.entries) this.#forget();
  }

  #weigh(entry: Entry): void {
    const now = weightOf(entry);
    this.#weight += now - (this.#weights.get(entry.key) ?? 0);
    this.#weights.set(entry.key, now);
  }

  /** Gives up the long parts of the oldest entries, until a tenth of the room is free; the newest are left as they are. */
  #release(): void {
    let left = this.#entries.size - NEWEST;
    for (const entry of this.#entries.values()) {
      left -= 1;
      if (this.#weight < this.#room.characters * FREED || left < 0) return;
      const light = lightened(entry);
      if (!light) continue;
      this.#entries.set(entry.key, light);
      this.#weigh(light);
    }
  }

  /** Gives up the oldest entries, until a tenth of the room is free; the newest stay. */
  #forget(): void {
    const { characters, entries } = this.#room;
    for (const [key] of this.#entries) {
      const isRoomy = this.#entries.size <= entries * FREED && this.#weight <= characters * FREED;
      if (isRoomy || this.#entries.size <= NEWEST) break;
      this.#entries.delete(key);
      this.#children.delete(key);
      this.#weight -= this.#weights.get(key) ?? 0;
      this.#weights.delete(key);
      this.forgotten += 1;
    }
    this.structure += 1;
  }
}

function isDone(entry: Entry): boolean {
  return entry.type === "turn" || (entry.type === "item" && isFinal(entry.status));
}

function weightOf(entry: Entry): number {
  if (entry.type === "item") return weight(entry) + 200;
  const files = entry.type === "turn" ? entry.turn.files : [];
  return files.reduce((sum, { changes }) => sum + 100 + changes.reduce((of, { unifiedDiff }) => of + (unifiedDiff?.length ?? 0), 0), 300);
}

/** An entry with its long parts given up; nothing where it has none, or is not done. */
function lightened(entry: Entry): Entry | undefined {
  if (entry.type === "item") return entry.isReleased || entry.endedAt === undefined ? undefined : released(entry);
  if (entry.type !== "turn" || entry.turn.files.every(({ changes }) => changes.length === 0)) return undefined;
  return { ...entry, turn: { ...entry.turn, files: entry.turn.files.map((file) => ({ ...file, changes: [] })) } };
}

export function itemKey(itemId: string): string {
  return `item:${itemId}`;
}

function turnKey(turnId: string): string {
  return `turn:${turnId}`;
}

function begunTurn(turn: Turn, cwd: string): OpenTurn {
  return { turn, files: new ChangedFiles(cwd), items: new Set(), tools: [], isSaid: false };
}

/** Notes what may be the answer of a turn. */
function note(open: OpenTurn, { key, kind, parent, text }: ItemEntry): void {
  if (kind === "agent_message" && text.text !== "") open.isSaid = true;
  if (kind === "tool_call" && parent === undefined && !open.tools.includes(key)) open.tools = [...open.tools, key].slice(-ANSWERS);
}

function openedTurn(turnId: string, promptId: string, at: number): Turn {
  return {
    turnId,
    promptId,
    startedAt: at,
    outcome: undefined,
    error: undefined,
    usage: undefined,
    cost: undefined,
    durationMs: undefined,
    files: [],
    isUndone: false,
  };
}

function summed(costs: Facts["costs"], { cost }: Turn): Facts["costs"] {
  if (!cost) return costs;
  return { ...costs, [cost.currency]: (costs[cost.currency] ?? 0) + cost.amountMicros };
}

