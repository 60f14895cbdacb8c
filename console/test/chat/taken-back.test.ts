/** What prompts said that were taken back, until they stand in the field again. */

import { expect, test } from "vitest";

import { SessionFold } from "../../src/chat/session-fold.js";
import { Typed } from "../../src/chat/typed.js";
import { Log } from "./events.js";

/** As many as the daemon lets wait in one session. */
const QUEUE = 64;

function folded(log: Log): SessionFold {
  const fold = new SessionFold("ses_1");
  for (const envelope of log.envelopes) fold.take(envelope);
  return fold;
}

/** As many prompts as can wait, each asked for by whoever `claim` says, and all taken back by a stop; `steered` joined the turn before. */
function stopped(log: Log, stop: string, claim: (promptId: string) => void, steered = false): string[] {
  const ids = Array.from({ length: QUEUE }, (_, at) => `${stop}_${at}`);
  for (const [position, promptId] of ids.entries()) {
    log.push("prompt.queued", { promptId, position, delivery: "queue", content: [{ type: "text", text: `says ${promptId}` }] });
    if (steered) log.push("prompt.steered", { promptId }, { turnId: "turn_1" });
    claim(promptId);
  }
  for (const promptId of ids) log.push("prompt.cancelled", { promptId });
  return ids.map((promptId) => `says ${promptId}`);
}

test("all that two stops behind each other took back stands in the draft, also where they are told of at once", () => {
  const log = new Log().created().turn("turn_1", "edit");
  const typed = new Typed();
  const claim = (promptId: string): void => typed.claim(promptId, "ses_1");
  // What waits in other sessions is this window's too.
  for (let at = 0; at < 5 * QUEUE; at += 1) typed.claim(`elsewhere_${at}`, "ses_2");
  const words = [...stopped(log, "first", claim), ...stopped(log, "second", claim, true)];
  stopped(log, "theirs", () => undefined);
  expect(typed.reclaim("ses_1", folded(log).takenBack)).toBe(true);
  expect(typed.draft("ses_1").split("\n\n")).toEqual(words);
});

test("what was taken back is known as long as there is room for it", () => {
  const log = new Log().created();
  for (let stop = 0; stop < 10; stop += 1) stopped(log, `stop_${stop}`, () => undefined);
  expect(folded(log).takenBack.size).toBe(4 * QUEUE);
  const long = "x".repeat(12 << 20);
  for (const promptId of ["a", "b", "c"]) {
    log.push("prompt.queued", { promptId, position: 0, delivery: "queue", content: [{ type: "text", text: long }] });
    log.push("prompt.cancelled", { promptId });
  }
  expect([...folded(log).takenBack.keys()]).toEqual(["b", "c"]);
});
