import {
  Ban,
  BellRing,
  CircleCheck,
  CircleX,
  FileMinus,
  FilePen,
  FileText,
  Globe,
  Lightbulb,
  LoaderCircle,
  MoveRight,
  Search,
  ShieldX,
  SquareTerminal,
  ToggleRight,
  Wrench,
  type LucideIcon,
} from "lucide-react";
import { useState, type ReactNode } from "react";

import type { AgentItemStatus, AgentToolKind } from "../api.js";
import { failureOf } from "../methods/run.js";
import { Code } from "../render/code.js";
import { shortened, visible } from "../render/plain.js";
import { Terminal } from "../render/terminal.js";
import { useEnvironment } from "../shell/environment.js";
import { bytes, milliseconds } from "../shell/units.js";
import { DiffLayoutButton, Diffs } from "./diffs.js";
import { Disclosure } from "./disclosure.js";
import { isFinal, type Held, type ItemEntry, type Tool } from "./entry.js";
import { ExactInput } from "./exact-input.js";
import { wholeItem } from "./whole-item.js";
import { TOOL_WORDS } from "./words.js";

const ICONS: Record<AgentToolKind, LucideIcon> = {
  read: FileText,
  edit: FilePen,
  delete: FileMinus,
  move: MoveRight,
  search: Search,
  execute: SquareTerminal,
  fetch: Globe,
  think: Lightbulb,
  mcp: Wrench,
  switch_mode: ToggleRight,
  other: Wrench,
};

const STATUS: Record<AgentItemStatus, { icon: LucideIcon; word: string }> = {
  pending: { icon: LoaderCircle, word: "waits" },
  in_progress: { icon: LoaderCircle, word: "at work" },
  completed: { icon: CircleCheck, word: "done" },
  failed: { icon: CircleX, word: "failed" },
  denied: { icon: ShieldX, word: "denied" },
  cancelled: { icon: Ban, word: "cancelled" },
};

const LONGEST_TITLE = 300;
/** Characters of a command that a line has room for, more or less. */
const LONG_COMMAND = 60;

const ASKED = { icon: BellRing, word: "waits for you" };

/** A tool and its use: what it is given, what it writes as it writes it, what it changed. */
export function ToolCall({ entry, sessionId }: { entry: ItemEntry; sessionId: string }): ReactNode {
  const { link } = useEnvironment();
  const [whole, setWhole] = useState<ItemEntry | undefined>(undefined);
  const [failure, setFailure] = useState<string | undefined>(undefined);
  const shown = whole ?? entry;
  const tool = shown.tool;
  const askAll = (): void => {
    void wholeItem(link, sessionId, entry).then(setWhole, (error: unknown) => setFailure(failureOf(error).message));
  };
  return (
    <Disclosure
      name={entry.key}
      className="tool"
      isUsuallyOpen={isWorthSeeing(entry)}
      head={<ToolHead entry={entry} />}
      aside={tool?.changes && tool.changes.length > 0 ? <DiffLayoutButton /> : undefined}
    >
      {() => (
        <>
          {tool && <ToolBody tool={tool} isLive={!isFinal(entry.status) && !entry.isAsked} />}
          {!whole && (entry.isReleased || isCut(entry)) && (
            <p className="tool-cut">
              {entry.isReleased ? "Parts of this are not kept here. " : `${bytes(cutOf(entry))} before this are not shown. `}
              <button type="button" className="link-button" onClick={askAll}>
                Show all
              </button>
            </p>
          )}
          {failure !== undefined && <p className="tool-error">{visible(failure)}</p>}
        </>
      )}
    </Disclosure>
  );
}

function ToolHead({ entry }: { entry: ItemEntry }): ReactNode {
  const { status, tool } = entry;
  const Icon = ICONS[tool?.toolKind ?? "other"] ?? Wrench;
  const { icon: Mark, word } = entry.isAsked ? ASKED : (STATUS[status ?? "in_progress"] ?? STATUS.in_progress);
  const isLive = !isFinal(status);
  const took = tool?.command?.durationMs ?? (entry.endedAt !== undefined ? entry.endedAt - entry.at : undefined);
  const exit = tool?.command?.exitCode;
  return (
    <>
      <Icon size={14} aria-hidden />
      <span className="tool-kind">{TOOL_WORDS[tool?.toolKind ?? "other"] ?? "Tool"}</span>
      <span className="tool-title">{shortened(visible(titleOf(tool)), LONGEST_TITLE)}</span>
      {typeof exit === "number" && exit !== 0 && <span className="tool-exit">exit {exit}</span>}
      <span className="tool-status" data-status={entry.isAsked ? "denied" : (status ?? "in_progress")}>
        <Mark size={13} className={isLive && !entry.isAsked ? "turning" : ""} aria-hidden />
        {isLive || status !== "completed" ? word : <span className="unseen">{word}</span>}
        {took !== undefined && took >= 1_000 && <span className="quiet">{milliseconds(took)}</span>}
      </span>
    </>
  );
}

function titleOf(tool: Tool | undefined): string {
  if (!tool) return "";
  if (tool.command) return tool.command.line;
  if (tool.mcp) return `${tool.mcp.server} · ${tool.mcp.tool}`;
  return tool.title ?? tool.name ?? "";
}

function ToolBody({ tool, isLive }: { tool: Tool; isLive: boolean }): ReactNode {
  const { command, changes, error, input, inputText, json } = tool;
  const hasDiff = changes !== undefined && changes !== null && changes.length > 0;
  return (
    <>
      {command && (command.line.length > LONG_COMMAND || command.line.includes("\n")) && <Code text={command.line} lang="sh" />}
      {!command && !hasDiff && input !== undefined && input !== null && <ExactInput input={input} />}
      {(input === undefined || input === null) && inputText.text !== "" && <Code text={inputText.text} lang="json" />}
      {hasDiff && <Diffs changes={changes} />}
      {!hasDiff && (tool.output.text !== "" || (command && isLive)) && (
        <Terminal
          text={tool.output.text}
          isLive={isLive}
          label={command ? `Output of ${visible(command.line)}` : "What the tool answered"}
        />
      )}
      {tool.errors.text !== "" && <Terminal text={tool.errors.text} isLive={isLive} label="What it wrote to its errors" />}
      {json !== undefined && <Code text={JSON.stringify(json, null, 2)} lang="json" />}
      {tool.isTruncated && <p className="tool-cut">The daemon kept the first 256 kB of what it answered.</p>}
      {error && <p className="tool-error">{visible(error)}</p>}
    </>
  );
}

/** Commands, changes of files, what went wrong and what is all of an answer stand open; what is only looked up does not. */
function isWorthSeeing({ status, tool, isAnswer }: ItemEntry): boolean {
  if (status === "failed" || (isAnswer && status === "completed")) return true;
  if (status === "denied" || status === "cancelled") return false;
  return tool?.toolKind === "execute" || (tool?.changes ?? []).length > 0;
}

function cutOf({ tool }: ItemEntry): number {
  const cut = (held: Held | undefined): number => held?.cut ?? 0;
  return cut(tool?.output) + cut(tool?.errors) + cut(tool?.inputText);
}

function isCut(entry: ItemEntry): boolean {
  return cutOf(entry) > 0;
}
