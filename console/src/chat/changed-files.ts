/** Which files a turn changed, from what is told of it piece by piece. */

import type { AgentChangeKind, AgentFileChange, AgentFileSeen } from "../api.js";
import type { ChangedFile } from "./entry.js";

export class ChangedFiles {
  readonly #cwd: string;
  readonly #byItem = new Map<string, readonly AgentFileChange[]>();
  #ofTurn: readonly AgentFileChange[] | undefined;
  readonly #seen = new Map<string, AgentChangeKind>();

  constructor(cwd: string) {
    this.#cwd = cwd;
  }

  /** What an item changed; later words of the same item hold over earlier ones. */
  item(itemId: string, changes: readonly AgentFileChange[]): void {
    this.#byItem.set(itemId, changes);
  }

  /** What the whole turn changed so far, where the agent says so. */
  turn(changes: readonly AgentFileChange[]): void {
    this.#ofTurn = changes;
  }

  /** What was seen on the disk. */
  seen(files: readonly AgentFileSeen[]): void {
    for (const { path, kind } of files) {
      const name = below(this.#cwd, path);
      const before = this.#seen.get(name);
      this.#seen.set(name, before === "add" && kind === "modify" ? "add" : kind);
    }
  }

  /** By path, each once. */
  list(): readonly ChangedFile[] {
    const files = new Map<string, ChangedFile>();
    for (const change of this.#ofTurn ?? [...this.#byItem.values()].flat()) add(files, below(this.#cwd, change.path), change);
    for (const [path, kind] of this.#seen)
      if (!files.has(path)) files.set(path, { path, kind, additions: 0, deletions: 0, changes: [] });
    return [...files.values()].sort((one, other) => one.path.localeCompare(other.path, "en"));
  }
}

function add(files: Map<string, ChangedFile>, path: string, change: AgentFileChange): void {
  const known = files.get(path);
  const kind = known?.kind === "add" && change.kind === "modify" ? "add" : change.kind;
  files.set(path, {
    path,
    kind,
    additions: (known?.additions ?? 0) + change.additions,
    deletions: (known?.deletions ?? 0) + change.deletions,
    changes: change.unifiedDiff || change.isCut || change.newMode !== change.oldMode ? [...(known?.changes ?? []), change] : (known?.changes ?? []),
  });
}

/** A path as it is called within a folder, where it is in it. */
export function below(folder: string, path: string): string {
  const root = folder.endsWith("/") || folder.endsWith("\\") ? folder : `${folder}${folder.includes("\\") ? "\\" : "/"}`;
  return folder !== "" && path.startsWith(root) ? path.slice(root.length) : path;
}
