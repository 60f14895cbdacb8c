/** The sessions as the daemon's state shows them. */

import type { AgentQuestionRequest, AgentSessionView, AgentWaitingPrompt, PermissionRequest } from "../api.js";
import { shortened } from "../render/plain.js";

const LONGEST_NAME = 300;

/** A prompt that waits: its gist where it is long, and where the log tells all of it. */
export type WaitingPrompt = AgentWaitingPrompt;

/** What an agent asks leave for. */
export type Permission = PermissionRequest;

/** A session as the daemon shows it. */
export type SessionView = AgentSessionView;

/** The sessions of the slice `agents`, by their ids; undefined where the daemon has no agents. */
export function sessionsOf(slice: unknown): readonly SessionView[] | undefined {
  if (typeof slice !== "object" || slice === null) return undefined;
  return Object.entries(slice).map(([sessionId, view]) => sessionOf(sessionId, view as Partial<SessionView>));
}

function sessionOf(sessionId: string, view: Partial<SessionView>): SessionView {
  return {
    ...view,
    sessionId,
    provider: view.provider ?? "",
    cwd: view.cwd ?? "",
    state: view.state ?? { name: "idle" },
    mode: view.mode ?? "ask",
    isReady: view.isReady ?? false,
    queue: view.queue ?? [],
    permissions: view.permissions ?? [],
    questions: view.questions ?? [],
    createdAtMs: view.createdAtMs ?? 0,
    usage: view.usage ?? {},
    seq: view.seq ?? 0,
  };
}

/** Something that waits for a person. */
export type Waiting =
  | { readonly kind: "permission"; readonly id: string; readonly session: SessionView; readonly permission: Permission }
  | { readonly kind: "question"; readonly id: string; readonly session: SessionView; readonly question: AgentQuestionRequest };

/** Everything that waits, what ends first in front. */
export function waitingOf(sessions: readonly SessionView[]): readonly Waiting[] {
  const all = sessions.flatMap((session): Waiting[] => [
    ...session.permissions.map((permission) => ({ kind: "permission" as const, id: permission.permissionId, session, permission })),
    ...session.questions.map((question) => ({ kind: "question" as const, id: question.questionId, session, question })),
  ]);
  return all.sort((one, other) => endOf(one) - endOf(other));
}

export function endOf(waiting: Waiting): number {
  return waiting.kind === "permission" ? waiting.permission.expiresAtMs : waiting.question.expiresAtMs;
}

/** Whether a turn is open, or is about to be. */
export function isBusy({ turnId, queue }: Pick<SessionView, "turnId" | "queue">): boolean {
  return turnId !== undefined || queue.length > 0;
}

/** What a session is called: its title, or the folder that it works in. */
export function nameOf({ title, cwd, sessionId }: Pick<SessionView, "title" | "cwd" | "sessionId">): string {
  return title ? shortened(title, LONGEST_NAME) : folderName({ cwd, sessionId });
}

/** The last part of the folder's path. */
export function folderName({ cwd, sessionId }: Pick<SessionView, "cwd" | "sessionId">): string {
  return cwd.split(/[/\\]/).filter(Boolean).at(-1) ?? sessionId;
}
