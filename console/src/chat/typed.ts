/** What a person typed and did not send: it outlives a look at another panel, and a prompt that it was to change. */

import { Store } from "../store.js";
import { catchFocus } from "./focus-asked.js";
import { NO_CONTEXT, type PromptContext } from "./prompt-context.js";

/** A prompt that waits, while a person changes it. */
export interface Edit {
  readonly sessionId: string;
  /** What it says as long as nothing is kept. */
  readonly whole: string;
  readonly text: string;
  /** The event that told what it said when the change began, or what the daemon took the change in the place of; none where it tells of none. */
  readonly seq?: number | undefined;
  /** Whether the daemon took an earlier state of the change: the first event behind `seq` that tells of the prompt tells that. */
  readonly isTaken?: boolean;
  /** Where the daemon was asked to take it and has not answered: the how manieth time something was sent. */
  readonly sent?: number;
}

/** What was chosen and written for one question of several that are asked together. */
export interface Given {
  readonly chosen: readonly string[];
  readonly own: string;
}

/** Prompts of which is known that they were asked for from here: more than wait in some sessions whose queues are full. */
const MOST_OWN = 500;

export class Typed {
  /** The next prompt, by session; the one that was written last is the last. */
  readonly drafts = new Store<ReadonlyMap<string, string>>(new Map());
  /** What goes with each prompt, by session, until something else is chosen. */
  readonly contexts = new Store<ReadonlyMap<string, PromptContext>>(new Map());
  /** Prompts that were asked for from here, the latest last, with their sessions: whoever takes them back, their words are this person's. */
  readonly own = new Store<ReadonlyMap<string, string>>(new Map());
  /** Changes of prompts that wait, by prompt; the one that was written last is the last. */
  readonly edits = new Store<ReadonlyMap<string, Edit>>(new Map());
  /** Answers, by request and by question in it. */
  readonly given = new Store<ReadonlyMap<string, ReadonlyMap<string, Given>>>(new Map());
  /** Why something is denied, by request; it is asked for where there is one, be it empty. */
  readonly reasons = new Store<ReadonlyMap<string, string>>(new Map());

  #sent = 0;

  draft(sessionId: string): string {
    return this.drafts.get().get(sessionId) ?? "";
  }

  write(sessionId: string, text: string): void {
    this.drafts.update((all) => without(all, sessionId).set(sessionId, text));
  }

  /** Puts texts behind what is there already, with their lines broken as a field breaks them: it would be another text than it shows. */
  add(sessionId: string, texts: readonly string[]): void {
    const lines = texts.map((text) => text.replace(/\r\n?/g, "\n"));
    this.write(sessionId, [this.draft(sessionId), ...lines].filter((text) => text.trim() !== "").join("\n\n"));
  }

  /** Notes that a prompt was asked for from here. */
  claim(promptId: string, sessionId: string): void {
    this.own.update((all) => new Map([...without(all, promptId), [promptId, sessionId] as const].slice(-MOST_OWN)));
  }

  disclaim(promptId: string): void {
    if (this.own.get().has(promptId)) this.own.update((all) => without(all, promptId));
  }

  context(sessionId: string): PromptContext {
    return this.contexts.get().get(sessionId) ?? NO_CONTEXT;
  }

  attach(sessionId: string, context: PromptContext): void {
    this.contexts.update((all) => new Map(all).set(sessionId, context));
  }

  edit(promptId: string, edit: Edit): void {
    this.edits.update((all) => without(all, promptId).set(promptId, edit));
  }

  /** Notes that the daemon is asked to take a change, and gives the number of that. */
  send(promptId: string, edit: Edit): number {
    this.#sent += 1;
    this.edit(promptId, { ...edit, sent: this.#sent });
    return this.#sent;
  }

  leave(promptId: string): void {
    this.edits.update((all) => without(all, promptId));
  }

  give(requestId: string, questionId: string, given: Given): void {
    this.given.update((all) => new Map(all).set(requestId, new Map(all.get(requestId)).set(questionId, given)));
  }

  explain(requestId: string, reason: string): void {
    this.reasons.update((all) => new Map(all).set(requestId, reason));
  }

  leaveReason(requestId: string): void {
    this.reasons.update((all) => without(all, requestId));
  }

  /** Forgets answers to what waits no more, secrets among them. */
  forgetAllBut(requestIds: readonly string[]): void {
    for (const id of this.given.get().keys()) if (!requestIds.includes(id)) this.given.update((all) => without(all, id));
    for (const id of this.reasons.get().keys()) if (!requestIds.includes(id)) this.leaveReason(id);
  }

  /**
   * Puts changes of prompts that wait no more into the draft of their session, with the focus, and says whether there were any.
   * `waiting` are the prompts that wait there.
   */
  rescue(sessionId: string, waiting: readonly string[]): boolean {
    const lost = [...this.edits.get()].filter(
      ([promptId, edit]) => edit.sessionId === sessionId && edit.sent === undefined && !waiting.includes(promptId),
    );
    for (const [promptId] of lost) this.leave(promptId);
    const isChanged = ({ text, whole }: Edit): boolean => text.trim() !== "" && text !== whole;
    const changed = lost.flatMap(([promptId, edit]) => {
      if (!isChanged(edit)) return [];
      // Its words stand in the draft by the change of them.
      this.disclaim(promptId);
      return [edit];
    });
    if (changed.length > 0) this.add(sessionId, changed.map(({ text }) => text));
    if (lost.length > 0) catchFocus();
    return changed.length > 0;
  }

  /**
   * Puts prompts that were asked for from here and taken back by a stop, or by somebody else, into the draft of their session, in the
   * order in which they were sent, and says whether that added anything. `takenBack` is what each of them said; where it was being
   * changed here, it is the change that counts.
   */
  reclaim(sessionId: string, takenBack: ReadonlyMap<string, string>): boolean {
    const edit = (promptId: string): Edit | undefined => this.edits.get().get(promptId);
    // What the daemon was asked to make of it is known when that is answered.
    const back = [...this.own.get().keys()].filter((promptId) => takenBack.has(promptId) && edit(promptId)?.sent === undefined);
    if (back.length === 0) return false;
    const said = back.map((promptId) => edit(promptId)?.text || (takenBack.get(promptId) ?? "")).filter((text) => text.trim() !== "");
    if (said.length > 0) this.add(sessionId, said);
    for (const promptId of back) {
      this.disclaim(promptId);
      this.leave(promptId);
    }
    catchFocus();
    return said.length > 0;
  }
}

function without<T>(all: ReadonlyMap<string, T>, key: string): Map<string, T> {
  const rest = new Map(all);
  rest.delete(key);
  return rest;
}
