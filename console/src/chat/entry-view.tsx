import { Bot, ListTodo, RotateCw, Scissors } from "lucide-react";
import type { ReactNode } from "react";

import type { AgentPlanStatus } from "../api.js";
import { daemonNow } from "../daemon-time.js";
import { Markdown } from "../render/markdown.js";
import { readable, shortened, visible } from "../render/plain.js";
import { lasting } from "../shell/units.js";
import { Disclosure } from "./disclosure.js";
import { isFinal, type DecisionEntry, type Entry, type ItemEntry, type NoteEntry, type PlanEntry, type RetryEntry } from "./entry.js";
import { useNow, useRuleWords } from "./hooks.js";
import { AgentMessage, Thought, UserMessage } from "./message.js";
import { ProblemCard } from "./problem-card.js";
import { decider } from "./remarks.js";
import { ToolCall } from "./tool-call.js";
import { TurnEnd } from "./turn-end.js";
import { PROBLEM_WORDS } from "./words.js";

/** An entry of a history. */
export function EntryView({
  entry,
  sessionId,
  onRetry,
}: {
  entry: Entry;
  sessionId: string;
  onRetry: ((promptId: string) => void) | undefined;
}): ReactNode {
  switch (entry.type) {
    case "item":
      return <Item entry={entry} sessionId={sessionId} />;
    case "note":
      return <Note entry={entry} />;
    case "problem":
      return <ProblemCard problem={entry.problem} />;
    case "retry":
      return <Retry entry={entry} />;
    case "plan":
      return <Plan entry={entry} />;
    case "decision":
      return <Decision entry={entry} sessionId={sessionId} />;
    case "turn":
      return <TurnEnd turn={entry.turn} sessionId={sessionId} onRetry={onRetry} />;
  }
}

/** What an entry is called by who does not see it. */
export function labelOf(entry: Entry): string {
  switch (entry.type) {
    case "item":
      return ITEM_LABELS[entry.kind] ?? "Item";
    case "note":
      return "Note";
    case "problem":
      return "Problem";
    case "retry":
      return "Waits to ask again";
    case "plan":
      return "Plan";
    case "decision":
      return "Decision";
    case "turn":
      return "End of the turn";
  }
}

const ITEM_LABELS: Readonly<Record<ItemEntry["kind"], string>> = {
  user_message: "You",
  agent_message: "Agent",
  thought: "Thought",
  tool_call: "Tool",
  notice: "Notice",
  compaction: "The conversation was shortened",
  subagent: "Another agent",
};

function Item({ entry, sessionId }: { entry: ItemEntry; sessionId: string }): ReactNode {
  switch (entry.kind) {
    case "user_message":
      return <UserMessage entry={entry} sessionId={sessionId} />;
    case "agent_message":
      return <AgentMessage entry={entry} sessionId={sessionId} />;
    case "thought":
      return <Thought entry={entry} />;
    case "tool_call":
      return <ToolCall entry={entry} sessionId={sessionId} />;
    case "notice":
      return <Notice entry={entry} />;
    case "compaction":
      return (
        <p className="note note-line">
          <Scissors size={13} aria-hidden />
          {entry.text.text === "" ? "The conversation was shortened, so that the model can read it." : visible(entry.text.text)}
        </p>
      );
    case "subagent":
      return (
        <Disclosure
          name={`${entry.key}:text`}
          className="tool"
          isUsuallyOpen={false}
          head={
            <>
              <Bot size={14} aria-hidden />
              <span className="tool-kind">Agent</span>
              <span className="tool-title">{visible(entry.tool?.title ?? shortened(entry.text.text, 120))}</span>
              {!isFinal(entry.status) && <span className="tool-status">at work</span>}
            </>
          }
        >
          {() => <Markdown text={entry.text.text} />}
        </Disclosure>
      );
  }
}

/** How the notice of a fork begins that is told what was said and done; which session that was, is an id. */
const FORKED = /^This is a fork of the session \S+\. What was said and done there:\s*/;

/** Something said beside the conversation: its first line is a line, and nothing of it is parsed, as text of models may be in it. */
function Notice({ entry: { key, text: { text } } }: { entry: ItemEntry }): ReactNode {
  const [forked] = FORKED.exec(text) ?? [];
  if (forked !== undefined)
    return (
      <Disclosure
        name={`${key}:text`}
        className="tool"
        isUsuallyOpen={false}
        head={<span className="note-head">Begun with a summary of what was said and done in another session</span>}
      >
        {() => <PlainText text={text.slice(forked.length)} />}
      </Disclosure>
    );
  const [first = "", ...rest] = text.trim().split("\n");
  const more = rest.join("\n").trim();
  return (
    <div className="note">
      <p>{visible(first)}</p>
      {more !== "" && <PlainText text={more} />}
    </div>
  );
}

function PlainText({ text }: { text: string }): ReactNode {
  return (
    <pre className="note-text" dir="auto" tabIndex={0}>
      {readable(text)}
    </pre>
  );
}

function Note({ entry: { tone, text, detail } }: { entry: NoteEntry }): ReactNode {
  return (
    <div className="note" data-tone={tone}>
      <p>{visible(text)}</p>
      {detail !== undefined && <pre tabIndex={0}>{visible(detail)}</pre>}
    </div>
  );
}

/** Counts down while it waits. */
function Retry({ entry: { attempt, max, until, problem } }: { entry: RetryEntry }): ReactNode {
  const now = useNow(until > daemonNow());
  const isWaiting = now < until;
  const times = max === undefined ? `time ${attempt}` : `time ${attempt} of ${max}`;
  const name = (PROBLEM_WORDS[problem.kind] ?? PROBLEM_WORDS.unknown).name;
  return (
    <div className="note note-line" data-tone="warn">
      <RotateCw size={13} aria-hidden />
      <p>
        {isWaiting ? `${name}. The agent asks again in ${lasting(until - now)}` : `${name}. The agent asked again`} ({times}):{" "}
        {visible(problem.message)}
      </p>
    </div>
  );
}

const PLAN_WORDS: Readonly<Record<AgentPlanStatus, string>> = {
  pending: "not begun",
  in_progress: "under way",
  completed: "done",
};

function Plan({ entry: { entries } }: { entry: PlanEntry }): ReactNode {
  const done = entries.filter(({ status }) => status === "completed").length;
  return (
    <section className="plan" aria-label="Plan">
      <p className="plan-head">
        <ListTodo size={14} aria-hidden />
        <b>Plan</b>
        <span className="quiet">
          {done} of {entries.length}
        </span>
      </p>
      <ol>
        {entries.map(({ text, status }, at) => (
          <li key={at} data-status={status}>
            {visible(text)}
            <span className="unseen">, {PLAN_WORDS[status] ?? status}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

const LONGEST_RULE = 160;

const DECISIONS: Readonly<Record<DecisionEntry["decision"], string>> = {
  allowed: "Allowed",
  denied: "Denied",
  withdrawn: "Withdrawn",
  answered: "Answered",
};

function Decision({ entry: { title, decision, by, reason, answers }, sessionId }: { entry: DecisionEntry; sessionId: string }): ReactNode {
  const rule = useRuleWords(by.kind === "policy" ? by.rule : undefined, sessionId);
  const who = decider(by, rule === undefined ? rule : shortened(rule, LONGEST_RULE));
  return (
    <p className="decision" data-decision={decision}>
      <b>{DECISIONS[decision]}</b> <span className="quiet">{visible(who)}:</span> {visible(title)}
      {reason !== undefined && <span className="quiet"> – {visible(reason)}</span>}
      {answers && answers.length > 0 && <span className="quiet"> – {visible(answers.join(", "))}</span>}
    </p>
  );
}
