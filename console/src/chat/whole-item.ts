/** An item as the log has it, with all that is not kept here. */

import type { AgentEnvelope } from "../api.js";
import type { Link } from "../connection.js";
import { isFinal, type ItemEntry } from "./entry.js";
import { ALL, begun, enlarged, patched } from "./item-fold.js";

/** Reads the log of a session for one of its items: up to where it is done, or as far as it is known to be. */
export async function wholeItem(link: Link, sessionId: string, known: ItemEntry): Promise<ItemEntry | undefined> {
  const stream = link.stream<AgentEnvelope | null>(
    "agent.events",
    { sessions: [sessionId] },
    undefined,
    { resume: false },
  );
  let entry: ItemEntry | undefined;
  for await (const envelope of stream) {
    if (envelope === null) continue;
    if (envelope.itemId === known.itemId) entry = after(entry, envelope) ?? entry;
    if (isLast(envelope, known, entry)) break;
  }
  return entry;
}

/** Whether nothing behind the event is of the item. Events of a transcript that is told again have numbers of their own. */
function isLast(envelope: AgentEnvelope, known: ItemEntry, entry: ItemEntry | undefined): boolean {
  if (!isFinal(known.status)) return envelope.seq >= known.last;
  return isFinal(entry?.status) || (envelope.type === "turn.ended" && envelope.turnId === known.turnId);
}

function after(entry: ItemEntry | undefined, envelope: AgentEnvelope): ItemEntry | undefined {
  if (envelope.type !== "item.upserted" && envelope.type !== "item.delta") return undefined;
  const [itemId, at] = [envelope.itemId ?? "", Date.parse(envelope.ts)];
  const start = { key: `item:${itemId}`, seq: envelope.seq, at, turnId: envelope.turnId ?? undefined, itemId };
  if (envelope.type === "item.delta") return enlarged(entry ?? begun(start, "agent_message"), envelope.data, ALL);
  return patched(entry ?? begun(start, envelope.data.kind), envelope.data, at, ALL);
}
