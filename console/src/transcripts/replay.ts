/** A transcript told again as events, so that it is shown by what shows a session. */

import type { AgentEnvelope, Transcript, TranscriptItem, TranscriptNotice, TranscriptTurn } from "../api.js";
import { SessionFold } from "../chat/session-fold.js";

type Told = Pick<AgentEnvelope, "turnId" | "itemId"> & { at: number } & (AgentEnvelope extends infer Each
    ? Each extends { type: infer Type; data: infer Data }
      ? { type: Type; data: Data }
      : never
    : never);

/** Something to tell, at its place among all. */
type Placed = Told & { seq: number };

/** The history that the transcript is of. Nothing of it is open any more, whatever it says. */
export function replayed(transcript: Transcript): SessionFold {
  const { info, turns, outside = [], notices = [] } = transcript;
  const { sessionId } = info;
  const fold = new SessionFold(sessionId);
  const told: Told[] = [
    { at: info.startedAtMs, type: "session.created", data: created(transcript) },
    ...inOrder(outside.map((item) => itemTold(item, undefined))),
    ...inOrder([
      ...turns.flatMap(turnTold),
      ...notices.map(noticeTold),
    ]),
  ];
  for (const [at, { at: time, ...event }] of told.entries())
    fold.take({
      ...event,
      v: 1,
      epoch: "transcript",
      seq: at + 1,
      ts: new Date(time).toISOString(),
      sessionId,
      src: { provider: info.provider },
    } as AgentEnvelope);
  return fold;
}

function created({ info }: Transcript): Extract<AgentEnvelope, { type: "session.created" }>["data"] {
  const { provider, cwd, model, forkedFrom } = info;
  return { provider, cwd, mode: "ask", model: model ?? null, forkedFrom: forkedFrom ?? null };
}

/** A turn has no number of its own: it begins before what it has, and ends behind it. */
function turnTold(turn: TranscriptTurn): Placed[] {
  const { turnId, items = [], permissions = [], questions = [], plan, files = [], outcome, isUndone = false } = turn;
  const inner: Placed[] = [
    ...items.map((item) => itemTold(item, turnId)),
    ...permissions.flatMap(({ seq, atMs, request, resolved }): Placed[] => [
      { seq, at: atMs, turnId, type: "permission.requested", data: request },
      ...(resolved ? [{ seq, at: atMs, turnId, type: "permission.resolved", data: resolved } as const] : []),
    ]),
    ...questions.flatMap(({ seq, atMs, request, resolved }): Placed[] => [
      { seq, at: atMs, turnId, type: "question.requested", data: request },
      ...(resolved ? [{ seq, at: atMs, turnId, type: "question.resolved", data: resolved } as const] : []),
    ]),
  ];
  const first = inner.reduce((least, { seq }) => Math.min(least, seq), Number.MAX_SAFE_INTEGER);
  const last = inner.reduce((most, { seq }) => Math.max(most, seq), inner.length === 0 ? first : 0);
  const end = turn.endedAtMs ?? turn.startedAtMs;
  const begins = { seq: first, at: turn.startedAtMs, turnId };
  const ends = { seq: last, at: end, turnId };
  const hasPrompt = turn.prompt !== "" && !items.some(({ kind }) => kind === "user_message");
  return [
    { ...begins, type: "turn.started", data: { origin: "prompt", promptId: turnId } },
    ...when(hasPrompt, { ...begins, itemId: `prompt:${turnId}`, ...said("user_message", turn.prompt) }),
    ...inOrder(inner),
    ...(plan ? [{ ...ends, type: "plan.updated" as const, data: plan }] : []),
    ...when(files.length > 0, { ...ends, type: "diff.updated", data: { scope: "turn", files: [...files] } }),
    ...when(turn.isCut === true, { ...ends, itemId: `cut:${turnId}`, ...said("notice", cut(turn.omittedEntries ?? 0)) }),
    ...(outcome ? [ended(turn, last, end)] : []),
    ...when(isUndone, { ...ends, type: "turn.undone", data: { turnId, files: [] } }),
  ];
}

function when(isSo: boolean, told: Placed): Placed[] {
  return isSo ? [told] : [];
}

function cut(omitted: number): string {
  if (omitted === 0) return "Long texts of this turn were cut: the session has more of them than a transcript holds.";
  return `Long texts of this turn were cut, and ${omitted} of its entries left out from their midst: it has more than one answer holds.`;
}

function ended(turn: TranscriptTurn, seq: number, at: number): Placed {
  const { turnId, outcome, error, usage, cost, startedAtMs } = turn;
  return {
    seq,
    at,
    turnId,
    type: "turn.ended",
    data: {
      outcome: outcome ?? "failed",
      error: error ?? null,
      usage: usage ?? null,
      cost: cost ?? null,
      durationMs: Math.max(0, at - startedAtMs),
    },
  };
}

/** An item as it was in the end; one that was left open is not shown as if more of it came. */
function itemTold({ itemId, seq, atMs, ...item }: TranscriptItem, turnId: string | undefined): Placed {
  const isOpen = item.status == null || item.status === "pending" || item.status === "in_progress";
  const closed = item.kind === "tool_call" ? "cancelled" : "completed";
  const status = isOpen ? closed : (item.status ?? closed);
  return { seq, at: atMs, turnId: turnId ?? null, itemId, type: "item.upserted", data: { ...item, status } };
}

function said(kind: "notice" | "user_message", text: string): Pick<Extract<Told, { type: "item.upserted" }>, "type" | "data"> {
  return { type: "item.upserted", data: { kind, status: "completed", content: [{ type: "text", text }] } };
}

function noticeTold({ seq, atMs, turnId, text }: TranscriptNotice): Placed {
  return { seq, at: atMs, turnId: turnId ?? null, itemId: `notice:${seq}`, ...said("notice", text) };
}

/** By their numbers; what has the same one stays as it was. */
function inOrder(told: readonly Placed[]): Placed[] {
  return [...told].sort((one, other) => one.seq - other.seq);
}
