import { Brain, FileImage, Link2, Paperclip } from "lucide-react";
import { useState, type ReactNode } from "react";

import type { AgentContent } from "../api.js";
import { CopyButton } from "../json/copy-button.js";
import { failureOf } from "../methods/run.js";
import { Markdown } from "../render/markdown.js";
import { readable, visible } from "../render/plain.js";
import { useEnvironment } from "../shell/environment.js";
import { milliseconds } from "../shell/units.js";
import { Disclosure } from "./disclosure.js";
import { isFinal, type ItemEntry } from "./entry.js";
import { wholeItem } from "./whole-item.js";

/** What a person said: as it was typed. */
export function UserMessage({ entry, sessionId }: { entry: ItemEntry; sessionId: string }): ReactNode {
  const { shown, rest } = useWhole(entry, sessionId);
  return (
    <div className="said said-user">
      {rest}
      <div className="said-text">{readable(shown.text.text)}</div>
      <Attachments parts={shown.others} />
    </div>
  );
}

/** What the agent says, as Markdown while it comes. */
export function AgentMessage({ entry, sessionId }: { entry: ItemEntry; sessionId: string }): ReactNode {
  const { shown, rest } = useWhole(entry, sessionId);
  const { text } = shown.text;
  const isStreaming = !isFinal(entry.status);
  return (
    <div className="said said-agent">
      {rest}
      <Markdown text={text} isStreaming={isStreaming} />
      {isStreaming && text === "" && <span className="typing" aria-hidden />}
      <Attachments parts={shown.others} />
      {!isStreaming && text !== "" && (
        <span className="said-tools">
          <CopyButton text={() => text} />
        </span>
      )}
    </div>
  );
}

/** A message of which no more than the end may be kept here, and a way to read all of it from the log. */
function useWhole(entry: ItemEntry, sessionId: string): { shown: ItemEntry; rest: ReactNode } {
  const { link } = useEnvironment();
  const [whole, setWhole] = useState<ItemEntry | undefined>(undefined);
  const [failure, setFailure] = useState<string | undefined>(undefined);
  const shown = whole ?? entry;
  if (shown.text.cut === 0) return { shown, rest: null };
  const askAll = (): void => {
    void wholeItem(link, sessionId, entry).then(setWhole, (error: unknown) => setFailure(failureOf(error).message));
  };
  const rest = (
    <p className="tool-cut">
      The beginning is not kept here.{" "}
      <button type="button" className="link-button" onClick={askAll}>
        Show all
      </button>
      {failure !== undefined && <span className="tool-error"> {visible(failure)}</span>}
    </p>
  );
  return { shown, rest };
}

/** What the agent thinks, folded away. */
export function Thought({ entry }: { entry: ItemEntry }): ReactNode {
  const isLive = !isFinal(entry.status);
  const took = entry.endedAt !== undefined ? entry.endedAt - entry.at : undefined;
  const lasted = took !== undefined && took >= 1_000 ? ` for ${milliseconds(took)}` : "";
  return (
    <Disclosure
      name={entry.key}
      className="thought"
      isUsuallyOpen={false}
      head={
        <>
          <Brain size={14} aria-hidden />
          <span className="tool-kind" data-live={isLive}>
            {isLive ? "Thinking…" : `Thought${lasted}`}
          </span>
        </>
      }
    >
      {() => <Markdown text={entry.text.text} isStreaming={isLive} />}
    </Disclosure>
  );
}

/** What of a message is no text: named, and neither loaded nor run. */
function Attachments({ parts }: { parts: readonly AgentContent[] }): ReactNode {
  if (parts.length === 0) return null;
  return (
    <ul className="attachments" aria-label="Attachments">
      {parts.map((part, at) => (
        <li key={at} className="badge">
          {part.type === "image" ? <FileImage size={12} aria-hidden /> : part.type === "resource_link" ? <Link2 size={12} aria-hidden /> : <Paperclip size={12} aria-hidden />}
          {wordsOf(part)}
        </li>
      ))}
    </ul>
  );
}

function wordsOf(part: AgentContent): string {
  switch (part.type) {
    case "image":
      return `A picture (${visible(part.mimeType)})`;
    case "resource_link":
      return visible(part.name ?? part.uri);
    default:
      return "Something of a kind that is not known here";
  }
}
