import { CornerDownLeft, Search } from "lucide-react";
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from "react";

import { isComposing, pressed } from "../chat/keys.js";
import { Dialog } from "../shell/dialog.js";

/** Something that can be done. */
export interface Command {
  id: string;
  name: string;
  group: string;
  /** The key that does it too. */
  keys?: string;
  /** Further words that find it. */
  words?: string;
  run: () => void;
}

/** The commands that `query` finds: those whose name begins with it first. */
export function found(commands: readonly Command[], query: string): Command[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const rated = commands.flatMap((command, at) => {
    const name = command.name.toLowerCase();
    const text = `${name} ${command.group} ${command.words ?? ""}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) return [];
    const rate =
      words.length === 0 ? 0 : name.startsWith(words[0] as string) ? 0 : name.includes(words[0] as string) ? 1 : 2;
    return [{ command, rate, at }];
  });
  return rated.sort((one, other) => one.rate - other.rate || one.at - other.at).map(({ command }) => command);
}

/** Finds and runs commands by their names. */
export function Palette({ commands, onClose }: { commands: readonly Command[]; onClose: () => void }): ReactNode {
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();
  const shown = useMemo(() => found(commands, query), [commands, query]);

  useEffect(() => {
    void list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView?.({ block: "nearest" });
  }, [active, shown]);

  const run = (command: Command | undefined): void => {
    if (!command) return;
    onClose();
    command.run();
  };
  const key = (event: KeyboardEvent): void => {
    if (isComposing(pressed(event))) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && shown.length > 0) setActive((active + step + shown.length) % shown.length);
    else if (event.key === "Enter") run(shown[active]);
    else return;
    event.preventDefault();
  };

  return (
    <Dialog label="Commands" className="palette" onClose={onClose}>
      <div className="palette-field">
        <Search size={16} aria-hidden />
        <input
          autoFocus
          role="combobox"
          aria-expanded
          aria-controls={id}
          aria-activedescendant={shown[active] && `${id}-${shown[active].id}`}
          aria-label="Find a command or a method"
          placeholder="Find a command or a method"
          value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setActive(0);
          }}
          onKeyDown={key}
        />
        <kbd>Esc</kbd>
      </div>
      <div ref={list} className="palette-list" id={id} role="listbox" aria-label="Commands">
        {shown.map((command, at) => (
          <div
            key={command.id}
            id={`${id}-${command.id}`}
            role="option"
            aria-selected={at === active}
            className="palette-option"
            onMouseMove={() => setActive(at)}
            onClick={() => run(command)}
          >
            <span className="palette-group">{command.group}</span>
            <span className="palette-name">{command.name}</span>
            {command.keys && <kbd>{command.keys}</kbd>}
            {at === active && <CornerDownLeft size={14} aria-hidden />}
          </div>
        ))}
        {shown.length === 0 && <p className="empty-line">Nothing is called that.</p>}
      </div>
    </Dialog>
  );
}
