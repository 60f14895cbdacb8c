import { Pencil, Plus, Trash2 } from "lucide-react";
import { useState, useSyncExternalStore, type ReactNode } from "react";
import { formatPointer, parsePointer, type Hub, type HubState } from "sixframe/hub";

import { CopyButton } from "../json/copy-button.js";
import { type JsonRow, kindOf } from "../json/json-rows.js";
import { JsonTree } from "../json/json-tree.js";
import { useEnvironment } from "../shell/environment.js";
import { SteadyButton } from "../shell/steady-button.js";
import { count } from "../shell/units.js";
import { AddDialog } from "./add-dialog.js";
import { ChangeList } from "./change-list.js";
import { Conflict } from "./conflict.js";
import { commitEdit, reverse, type Edit } from "./edit.js";
import { NoState } from "./no-state.js";
import { ValueEditor } from "./value-editor.js";

type Open =
  | { kind: "edit"; path: string; seen: unknown }
  | { kind: "add"; path: string }
  | { kind: "conflict"; edit: Edit; theirs: unknown };

/** The hub's state as a tree that lives, and that can be changed. */
export function StatePanel(): ReactNode {
  const { hub, toasts, changes } = useEnvironment();
  const state = useHubState(hub);
  const [selected, setSelected] = useState("");
  const [open, setOpen] = useState<Open | undefined>(undefined);

  const commit = async (edit: Edit, said: string): Promise<void> => {
    const outcome = await commitEdit(hub, edit);
    if (outcome.kind === "done")
      toasts.say(
        said,
        isAppended(edit) ? undefined : { label: "Undo", run: () => void commit(reverse(hub, edit), `Took back ${edit.path}`) },
      );
    else if (outcome.kind === "conflict") setOpen({ kind: "conflict", edit, theirs: outcome.theirs });
    else toasts.say(`${outcome.failure.code}: ${outcome.failure.message}`, undefined, "bad");
  };

  if (state === undefined) return <NoState hub={hub} />;
  const value = hub.at(selected);
  const kind = kindOf(value);
  const isContainer = kind === "object" || kind === "array";
  const edit = (path: string): void => setOpen({ kind: "edit", path, seen: hub.at(path) });
  const remove = (path: string): void => {
    if (path === "") return;
    setSelected(formatPointer(parsePointer(path).slice(0, -1)));
    void commit({ path, seen: hub.at(path), value: undefined }, `Removed ${path}`);
  };
  const key = (event: React.KeyboardEvent, row: JsonRow): boolean => {
    if (event.key === "F2" || (event.key === "Enter" && row.size === 0)) edit(row.path);
    else if (event.key === "Delete" || event.key === "Backspace") remove(row.path);
    else if (event.key === "+" && (row.kind === "object" || row.kind === "array")) setOpen({ kind: "add", path: row.path });
    else return false;
    return true;
  };
  const editor = (row: JsonRow): ReactNode =>
    open?.kind === "edit" && open.path === row.path ? (
      <ValueEditor
        value={open.seen}
        label={`Value of ${row.path}`}
        onLeave={() => setOpen(undefined)}
        onDone={(next) => {
          setOpen(undefined);
          if (JSON.stringify(next) !== JSON.stringify(open.seen))
            void commit({ path: row.path, seen: open.seen, value: next }, `Changed ${row.path}`);
        }}
      />
    ) : undefined;

  return (
    <div className="panel state">
      <div className="state-main">
        <div className="bar">
          <code className="path" title={selected}>
            {selected === "" ? "/" : selected}
          </code>
          <span className="spacer" />
          <Version hub={hub} />
          <span className="bar-group">
            <SteadyButton
              className="button button-small"
              isOff={selected === ""}
              onClick={() => edit(selected)}
              title="Edit (Enter)"
            >
              <Pencil size={13} aria-hidden /> Edit
            </SteadyButton>
            <SteadyButton
              className="button button-small"
              isOff={!isContainer}
              onClick={() => setOpen({ kind: "add", path: selected })}
              title="Add (+)"
            >
              <Plus size={13} aria-hidden /> Add
            </SteadyButton>
            <SteadyButton
              className="button button-small"
              isOff={selected === ""}
              onClick={() => remove(selected)}
              title="Remove (Delete)"
            >
              <Trash2 size={13} aria-hidden /> Remove
            </SteadyButton>
            <CopyButton text={() => JSON.stringify(value, null, 2) ?? ""} />
          </span>
        </div>
        <JsonTree
          value={state}
          label="State"
          rootName="state"
          depth={3}
          marksChanges
          selected={selected}
          onSelect={setSelected}
          onRowKey={key}
          onOpen={(row) => edit(row.path)}
          replace={editor}
        />
      </div>
      <ChangeList changes={changes} onPlace={setSelected} />
      {open?.kind === "add" && (
        <AddDialog
          path={open.path}
          container={hub.at(open.path)}
          onClose={() => setOpen(undefined)}
          onAdd={(name, added) => {
            setOpen(undefined);
            const path = `${open.path}${formatPointer([name])}`;
            void commit({ path, seen: undefined, value: added }, `Added ${path}`);
          }}
        />
      )}
      {open?.kind === "conflict" && (
        <Conflict
          edit={open.edit}
          theirs={open.theirs}
          onKeep={() => setOpen(undefined)}
          onOverwrite={() => {
            setOpen(undefined);
            void commit({ ...open.edit, seen: open.theirs }, `Changed ${open.edit.path}`);
          }}
        />
      )}
    </div>
  );
}

/** An element at the end of a list has no path of its own by which it could be taken back. */
function isAppended({ path, seen }: Edit): boolean {
  return seen === undefined && path.endsWith("/-");
}

/** The revision, which rises with every commit. */
function Version({ hub }: { hub: Hub<HubState> }): ReactNode {
  useSyncExternalStore(
    (changed) => hub.onChange(changed),
    () => `${hub.version?.epoch} ${hub.version?.revision} ${hub.pending}`,
  );
  const { version, pending } = hub;
  return (
    <span className="version" title={version && `epoch ${version.epoch}`}>
      {pending > 0 && <span className="version-pending">{pending} under way</span>}
      revision <b>{version ? count(version.revision) : "–"}</b>
    </span>
  );
}

function useHubState(hub: Hub<HubState>): HubState | undefined {
  return useSyncExternalStore(
    (changed) => hub.onChange(changed),
    () => hub.state,
  );
}
