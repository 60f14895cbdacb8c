import { Flag, Gavel, Merge } from "lucide-react";
import type { ReactNode } from "react";

import type { AgentRunView } from "../api.js";
import { Markdown } from "../render/markdown.js";
import { visible } from "../render/plain.js";

/** What was made of the answers: who was first, whom the judge picked and why, or the answer that was made of all. */
export function RunResult({ run: { strategy, state, merged, members, merger } }: { run: AgentRunView }): ReactNode {
  if (strategy === "fanout") return null;
  if (!merged)
    return state === "merging" ? (
      <section className="run-result" aria-label="Result">
        <p className="quiet">{`${visible(merger?.name ?? merger?.provider ?? "An agent")} reads the answers…`}</p>
      </section>
    ) : null;
  const [Icon, words] = RESULTS[strategy];
  const chosen = members.find(({ name }) => name === merged.chosen);
  return (
    <section className="run-result" aria-label="Result">
      <h3>
        <Icon size={15} aria-hidden />
        {words(visible(merged.chosen ?? ""), visible(merged.by))}
      </h3>
      {merged.text != null && merged.text !== "" && <Markdown text={merged.text} />}
      {strategy === "vote" && merged.chosen != null && !chosen && (
        <p className="notice notice-bad">The judge picked an answer that nobody gave.</p>
      )}
    </section>
  );
}

const RESULTS = {
  race: [Flag, (chosen: string): string => (chosen === "" ? "Nobody came in" : `${chosen} was first`)],
  vote: [Gavel, (chosen: string, by: string): string => (chosen === "" ? `${by} picked none` : `${by} picked ${chosen}`)],
  synthesise: [Merge, (_: string, by: string): string => `The answer of ${by}, made of all`],
} as const;
