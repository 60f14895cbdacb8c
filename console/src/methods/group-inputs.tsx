import { Plus } from "lucide-react";
import { useState, type ReactNode } from "react";

import { isComposing, pressed } from "../chat/keys.js";
import { kindOf } from "../json/json-rows.js";
import { Radio, RadioGroup } from "../shell/radio-group.js";
import { SteadyButton } from "../shell/steady-button.js";
import { Field, type FieldProperties, type InputProperties } from "./field.js";
import { descriptionOf, firstValue, variantOf, type Shape } from "./schema.js";

type Group<K extends Shape["kind"]> = InputProperties & { shape: Shape & { kind: K } };

type PartProperties = Omit<FieldProperties, "root" | "path" | "problems" | "label"> & { of: InputProperties; name: string };

/** A field within a group, below the group's path by its key or its place. */
function Part({ of: { root, path, problems }, name, ...field }: PartProperties): ReactNode {
  return <Field {...field} root={root} path={`${path}/${escaped(name)}`} label={name} problems={problems} />;
}

export function ListInput(group: Group<"list">): ReactNode {
  const { shape, root, value, onChange, label } = group;
  const items = Array.isArray(value) ? (value as unknown[]) : [];
  return (
    <div className="nested">
      {items.map((item, at) => (
        <Part
          key={at}
          of={group}
          name={String(at)}
          schema={shape.items}
          value={item}
          required
          onChange={(next) => onChange(items.with(at, next))}
          onRemove={items.length > shape.minimum ? () => onChange(items.toSpliced(at, 1)) : undefined}
        />
      ))}
      {items.length < shape.maximum && (
        <button type="button" className="add-button" onClick={() => onChange([...items, firstValue(shape.items, root)])}>
          <Plus size={13} aria-hidden /> Add to {label === "" ? "the list" : label}
        </button>
      )}
    </div>
  );
}

export function TupleInput(group: Group<"tuple">): ReactNode {
  const { shape, value, onChange } = group;
  const items = shape.items.map((_, at) => (Array.isArray(value) ? (value as unknown[])[at] : undefined));
  return (
    <div className="nested">
      {shape.items.map((schema, at) => (
        <Part
          key={at}
          of={group}
          name={String(at)}
          schema={schema}
          value={items[at]}
          required
          onChange={(next) => onChange(items.with(at, next))}
        />
      ))}
    </div>
  );
}

export function RecordInput(group: Group<"record">): ReactNode {
  const { shape, root, value, onChange, label } = group;
  const record = kindOf(value) === "object" ? (value as Record<string, unknown>) : {};
  const known = new Set(shape.members.map(({ name }) => name));
  const others = Object.keys(record).filter((name) => !known.has(name));
  const set = (name: string, next: unknown): void => onChange({ ...record, [name]: next });
  const without = (name: string): void =>
    onChange(Object.fromEntries(Object.entries(record).filter(([key]) => key !== name)));
  const absent = shape.members.filter(({ name, required }) => !required && !Object.hasOwn(record, name));
  return (
    <div className={label === "" ? "members" : "nested"}>
      {shape.members.map(({ name, schema, required }) =>
        required || Object.hasOwn(record, name) ? (
          <Part
            key={name}
            of={group}
            name={name}
            schema={schema}
            value={record[name]}
            required={required}
            onChange={(next) => set(name, next)}
            onRemove={required ? undefined : () => without(name)}
          />
        ) : null,
      )}
      {others.map((name) => (
        <Part
          key={name}
          of={group}
          name={name}
          schema={shape.others ?? true}
          value={record[name]}
          required={false}
          onChange={(next) => set(name, next)}
          onRemove={() => without(name)}
        />
      ))}
      {(absent.length > 0 || shape.others !== undefined) && (
        <div className="add-row">
          {absent.map(({ name, schema }) => (
            <button
              key={name}
              type="button"
              className="add-button"
              title={descriptionOf(schema, root)}
              onClick={() => set(name, firstValue(schema, root))}
            >
              <Plus size={13} aria-hidden /> {name}
            </button>
          ))}
          {shape.others !== undefined && (
            <NewKey taken={record} onAdd={(name) => set(name, firstValue(shape.others ?? true, root) ?? null)} />
          )}
        </div>
      )}
    </div>
  );
}

/** Asks for the name of a further member. */
export function NewKey({ taken, onAdd }: { taken: object; onAdd: (name: string) => void }): ReactNode {
  const [name, setName] = useState("");
  const isFree = name !== "" && !Object.hasOwn(taken, name);
  const add = (): void => {
    if (!isFree) return;
    onAdd(name);
    setName("");
  };
  return (
    <span className="new-key">
      <input
        className="input input-small"
        aria-label="Name of a new key"
        placeholder="new key"
        value={name}
        onChange={(event) => setName(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || isComposing(pressed(event))) return;
          event.preventDefault();
          add();
        }}
      />
      <SteadyButton className="add-button" isOff={!isFree} onClick={add}>
        <Plus size={13} aria-hidden /> Add
      </SteadyButton>
    </span>
  );
}

export function VariantInput({
  shape,
  root,
  value,
  onChange,
  path,
  problems,
  label,
}: Group<"variants">): ReactNode {
  const [chosen, setChosen] = useState(() => variantOf(shape.variants, root, value));
  const variant = shape.variants[chosen] ?? shape.variants[0];
  return (
    <div className="variants">
      <RadioGroup label={`Form of ${label === "" ? "the payload" : label}`} isAsking>
        {shape.variants.map(({ label: name, schema }, at) => (
          <Radio
            key={`${name}${at}`}
            isChosen={at === chosen}
            onChoose={() => {
              setChosen(at);
              onChange(firstValue(schema, root));
            }}
          >
            {name}
          </Radio>
        ))}
      </RadioGroup>
      {variant && (
        <Field
          schema={variant.schema}
          root={root}
          value={value}
          path={path}
          label=""
          required
          problems={problems}
          onChange={onChange}
        />
      )}
    </div>
  );
}

function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
