import { Plus, X } from "lucide-react";
import { useEffect, useId, useState, type ReactNode } from "react";

import { kindOf } from "../json/json-rows.js";
import { descriptionOf, firstValue, shapeOf, variantOf, type Problem, type Schema, type Shape } from "./schema.js";

export interface FieldProperties {
  schema: Schema;
  /** Where references are looked up. */
  root: Schema;
  value: unknown;
  onChange: (value: unknown) => void;
  /** The JSON pointer of the value in the payload. */
  path: string;
  label: string;
  required: boolean;
  problems: readonly Problem[];
  /** Takes the field out. */
  onRemove?: (() => void) | undefined;
  /** The name of its type is not shown again. */
  bare?: boolean;
}

/** The field of a schema: what fits its shape, down to raw JSON where nothing else does. */
export function Field(properties: FieldProperties): ReactNode {
  const { schema, root, label, required, path, problems, onRemove } = properties;
  const shape = shapeOf(schema, root);
  const id = useId();
  const description = descriptionOf(schema, root);
  const own = problems.filter((problem) => problem.path === path);
  const isGroup = shape.kind === "record" || shape.kind === "list" || shape.kind === "tuple" || shape.kind === "variants";
  const described = [description !== "" && `${id}-description`, own.length > 0 && `${id}-problem`].filter(Boolean).join(" ");
  const Wrapper = isGroup ? "fieldset" : "div";
  return (
    <Wrapper className="field" data-kind={shape.kind} aria-describedby={isGroup && described !== "" ? described : undefined}>
      {label !== "" && (
        <div className="field-head">
          {isGroup ? <legend className="field-label">{label}</legend> : <label className="field-label" htmlFor={id}>{label}</label>}
          <span className="field-type">{typeName(shape)}</span>
          {!required && <span className="field-optional">optional</span>}
          {onRemove && (
            <button type="button" className="icon-button icon-small" aria-label={`Leave out ${label}`} title="Leave out" onClick={onRemove}>
              <X size={13} />
            </button>
          )}
        </div>
      )}
      {description !== "" && (
        <p className="field-description" id={`${id}-description`}>
          {description}
        </p>
      )}
      <Input {...properties} shape={shape} id={id} describedBy={described === "" ? undefined : described} invalid={own.length > 0} />
      {own.length > 0 && (
        <p className="field-problem" id={`${id}-problem`} role="alert">
          {own.map(({ message }) => message).join("; ")}
        </p>
      )}
    </Wrapper>
  );
}

interface InputProperties extends FieldProperties {
  shape: Shape;
  id: string;
  describedBy: string | undefined;
  invalid: boolean;
}

function Input(properties: InputProperties): ReactNode {
  const { shape, id, value, onChange, describedBy, invalid } = properties;
  const common = { id, "aria-describedby": describedBy, "aria-invalid": invalid || undefined };
  switch (shape.kind) {
    case "nothing":
      return <p className="field-nothing">null</p>;
    case "boolean":
      return (
        <label className="switch">
          <input {...common} type="checkbox" role="switch" checked={value === true} onChange={(event) => onChange(event.target.checked)} />
          <span className="switch-track" aria-hidden />
          <span className="switch-word">{value === true ? "true" : "false"}</span>
        </label>
      );
    case "number":
      return <NumberInput {...properties} shape={shape} common={common} />;
    case "text":
      return (
        <textarea
          {...common}
          className="input"
          rows={Math.min(6, String(value ?? "").split("\n").length)}
          spellCheck={false}
          value={typeof value === "string" ? value : ""}
          placeholder={shape.format}
          onChange={(event) => onChange(event.target.value)}
        />
      );
    case "choice":
      return (
        <select
          {...common}
          className="input select"
          value={shape.choices.findIndex((known) => JSON.stringify(known.value) === JSON.stringify(value))}
          onChange={(event) => onChange(shape.choices[Number(event.target.value)]?.value)}
        >
          {shape.choices.map(({ label, description }, at) => (
            <option key={label} value={at} title={description}>
              {label}
            </option>
          ))}
        </select>
      );
    case "any":
      return <JsonInput value={value} onChange={onChange} common={common} />;
    case "list":
      return <ListInput {...properties} shape={shape} />;
    case "tuple":
      return <TupleInput {...properties} shape={shape} />;
    case "record":
      return <RecordInput {...properties} shape={shape} />;
    case "variants":
      return <VariantInput {...properties} shape={shape} />;
  }
}

type Common = { id: string; "aria-describedby": string | undefined; "aria-invalid": boolean | undefined };

function NumberInput({ shape, value, onChange, common, label }: InputProperties & { shape: Shape & { kind: "number" }; common: Common }): ReactNode {
  const { minimum, maximum, integer } = shape;
  const isRange = minimum !== undefined && maximum !== undefined && maximum - minimum <= 1_000;
  const step = integer ? 1 : isRange ? (maximum - minimum) / 100 : "any";
  const take = (text: string): void => onChange(text === "" ? undefined : Number(text));
  const shown = typeof value === "number" && Number.isFinite(value) ? value : "";
  return (
    <div className="number">
      {isRange && (
        <input type="range" className="range" aria-label={`${label}, as a slider`} min={minimum} max={maximum} step={step} value={shown === "" ? minimum : shown} onChange={(event) => take(event.target.value)} />
      )}
      <input {...common} className="input input-number" type="number" inputMode={integer ? "numeric" : "decimal"} min={minimum} max={maximum} step={isRange && !integer ? "any" : step} value={shown} onChange={(event) => take(event.target.value)} />
      {(minimum !== undefined || maximum !== undefined) && <span className="number-range">{rangeText(minimum, maximum)}</span>}
    </div>
  );
}

/** Bounds that come from the width of an integer say nothing to a reader. */
function rangeText(minimum: number | undefined, maximum: number | undefined): string {
  const wide = maximum === undefined || maximum >= 2 ** 31 - 1;
  if (minimum === undefined) return wide ? "" : `≤ ${maximum}`;
  return wide ? `≥ ${minimum}` : `${minimum} – ${maximum}`;
}

/** Raw JSON: the text is the reader's own until it is JSON again. */
export function JsonInput({ value, onChange, common, rows = 3 }: { value: unknown; onChange: (value: unknown) => void; common?: Common; rows?: number }): ReactNode {
  const written = value === undefined ? "" : JSON.stringify(value, null, 2);
  const [text, setText] = useState(written);
  const [wrong, setWrong] = useState("");
  useEffect(() => {
    setText((shown) => (sameJsonText(shown, value) ? shown : written));
  }, [written]);
  const take = (next: string): void => {
    setText(next);
    if (next.trim() === "") {
      setWrong("");
      return onChange(undefined);
    }
    try {
      const parsed: unknown = JSON.parse(next);
      setWrong("");
      onChange(parsed);
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <textarea {...common} aria-invalid={wrong !== "" || common?.["aria-invalid"]} className="input input-json" spellCheck={false} rows={Math.min(18, Math.max(rows, text.split("\n").length))} placeholder="JSON" value={text} onChange={(event) => take(event.target.value)} />
      {wrong !== "" && (
        <p className="field-problem" role="alert">
          {wrong}
        </p>
      )}
    </>
  );
}

function sameJsonText(text: string, value: unknown): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === JSON.stringify(value);
  } catch {
    return text.trim() === "" && value === undefined;
  }
}

function ListInput({ shape, root, value, onChange, path, problems, label }: InputProperties & { shape: Shape & { kind: "list" } }): ReactNode {
  const items = Array.isArray(value) ? (value as unknown[]) : [];
  return (
    <div className="nested">
      {items.map((item, at) => (
        <Field
          key={at}
          schema={shape.items}
          root={root}
          value={item}
          path={`${path}/${at}`}
          label={String(at)}
          required
          problems={problems}
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

function TupleInput({ shape, root, value, onChange, path, problems }: InputProperties & { shape: Shape & { kind: "tuple" } }): ReactNode {
  const items = shape.items.map((_, at) => (Array.isArray(value) ? (value as unknown[])[at] : undefined));
  return (
    <div className="nested">
      {shape.items.map((schema, at) => (
        <Field key={at} schema={schema} root={root} value={items[at]} path={`${path}/${at}`} label={String(at)} required problems={problems} onChange={(next) => onChange(items.with(at, next))} />
      ))}
    </div>
  );
}

function RecordInput({ shape, root, value, onChange, path, problems, label }: InputProperties & { shape: Shape & { kind: "record" } }): ReactNode {
  const record = kindOf(value) === "object" ? (value as Record<string, unknown>) : {};
  const known = new Set(shape.members.map(({ name }) => name));
  const others = Object.keys(record).filter((name) => !known.has(name));
  const set = (name: string, next: unknown): void => onChange({ ...record, [name]: next });
  const without = (name: string): void => onChange(Object.fromEntries(Object.entries(record).filter(([key]) => key !== name)));
  const absent = shape.members.filter(({ name, required }) => !required && !Object.hasOwn(record, name));
  return (
    <div className={label === "" ? "members" : "nested"}>
      {shape.members.map(({ name, schema, required }) =>
        required || Object.hasOwn(record, name) ? (
          <Field key={name} schema={schema} root={root} value={record[name]} path={`${path}/${escaped(name)}`} label={name} required={required} problems={problems} onChange={(next) => set(name, next)} onRemove={required ? undefined : () => without(name)} />
        ) : null,
      )}
      {others.map((name) => (
        <Field key={name} schema={shape.others ?? true} root={root} value={record[name]} path={`${path}/${escaped(name)}`} label={name} required={false} problems={problems} onChange={(next) => set(name, next)} onRemove={() => without(name)} />
      ))}
      {(absent.length > 0 || shape.others !== undefined) && (
        <div className="add-row">
          {absent.map(({ name, schema }) => (
            <button key={name} type="button" className="add-button" title={descriptionOf(schema, root)} onClick={() => set(name, firstValue(schema, root))}>
              <Plus size={13} aria-hidden /> {name}
            </button>
          ))}
          {shape.others !== undefined && <NewKey taken={record} onAdd={(name) => set(name, firstValue(shape.others ?? true, root) ?? null)} />}
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
          if (event.key !== "Enter") return;
          event.preventDefault();
          add();
        }}
      />
      <button type="button" className="add-button" disabled={!isFree} onClick={add}>
        <Plus size={13} aria-hidden /> Add
      </button>
    </span>
  );
}

function VariantInput({ shape, root, value, onChange, path, problems, label }: InputProperties & { shape: Shape & { kind: "variants" } }): ReactNode {
  const [chosen, setChosen] = useState(() => variantOf(shape.variants, root, value));
  const variant = shape.variants[chosen] ?? shape.variants[0];
  return (
    <div className="variants">
      <div className="segments" role="radiogroup" aria-label={`Form of ${label === "" ? "the payload" : label}`}>
        {shape.variants.map(({ label: name, schema }, at) => (
          <button
            key={`${name}${at}`}
            type="button"
            role="radio"
            aria-checked={at === chosen}
            className="segment"
            onClick={() => {
              setChosen(at);
              onChange(firstValue(schema, root));
            }}
          >
            {name}
          </button>
        ))}
      </div>
      {variant && <Field schema={variant.schema} root={root} value={value} path={path} label="" required problems={problems} onChange={onChange} />}
    </div>
  );
}

function typeName(shape: Shape): string {
  switch (shape.kind) {
    case "nothing":
      return "null";
    case "any":
      return "JSON";
    case "number":
      return shape.integer ? "integer" : "number";
    case "record":
      return "object";
    case "variants":
      return "one of";
    default:
      return shape.kind;
  }
}

function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
