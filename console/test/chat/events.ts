/** Envelopes of a session, numbered as they are made. */

import type { AgentEnvelope } from "../../src/api.js";

type Type = AgentEnvelope["type"];
type Data<T extends Type> = (AgentEnvelope & { type: T })["data"];

export class Log {
  readonly envelopes: AgentEnvelope[] = [];
  readonly epoch: string;
  readonly sessionId: string;

  constructor(sessionId = "ses_1", epoch = "log_1") {
    this.sessionId = sessionId;
    this.epoch = epoch;
  }

  push<T extends Type>(type: T, data: Data<T>, ids: { turnId?: string; itemId?: string } = {}): AgentEnvelope {
    const seq = this.envelopes.length + 1;
    const ts = new Date(1_790_000_000_000 + seq * 1_000).toISOString();
    const src = { provider: "builtin" };
    const envelope = { v: 1, epoch: this.epoch, seq, ts, sessionId: this.sessionId, src, ...ids, type, data } as unknown as AgentEnvelope;
    this.envelopes.push(envelope);
    return envelope;
  }

  created(): this {
    this.push("session.created", { provider: "builtin", cwd: "/srv/me/project", mode: "ask" });
    return this;
  }

  /** A turn that was asked for with these words. */
  turn(turnId: string, prompt: string): this {
    const promptId = `prompt_${turnId}`;
    this.push("prompt.started", { promptId }, { turnId });
    this.push("turn.started", { origin: "prompt", promptId }, { turnId });
    const content = [{ type: "text" as const, text: prompt }];
    this.push("item.upserted", { kind: "user_message", status: "completed", content }, { turnId, itemId: promptId });
    return this;
  }

  end(turnId: string, data: Partial<Data<"turn.ended">> = {}): this {
    this.push("turn.ended", { outcome: "completed", durationMs: 1_000, ...data }, { turnId });
    return this;
  }

  item(itemId: string, data: Data<"item.upserted">, turnId = "turn_1"): this {
    this.push("item.upserted", data, { turnId, itemId });
    return this;
  }

  grew(itemId: string, field: Data<"item.delta">["field"], delta: string, turnId = "turn_1"): this {
    this.push("item.delta", { field, delta, offset: 0 }, { turnId, itemId });
    return this;
  }
}
