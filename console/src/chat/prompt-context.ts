/** What goes with the prompts of a session beside what is typed there: by names, which the daemon looks up for each of them. */

import type { AgentPromptParams } from "../api.js";

export interface PromptContext {
  /** The file that the prompts are about, below the session's folder. */
  readonly file: string;
  /** The template of the daemon's configuration that says what else is sent. */
  readonly template: string;
}

/** The template that is there without being configured, and is taken where a file is named alone. */
export const DEFAULT_TEMPLATE = "default";

export const NO_CONTEXT: PromptContext = { file: "", template: "" };

/** What `agent.prompt` and `agent.previewPrompt` take of it: nothing where nothing is chosen. */
export function contextParams(context: PromptContext): Pick<AgentPromptParams, "currentFile" | "template"> {
  const [file, template] = [context.file.trim(), context.template.trim()];
  return { ...(file !== "" && { currentFile: file }), ...(template !== "" && { template }) };
}

/** What is chosen, in words; empty where nothing is. */
export function contextWords(context: PromptContext): string {
  const { currentFile, template } = contextParams(context);
  return [currentFile, template !== undefined && `template ${template}`].filter(Boolean).join(" · ");
}
