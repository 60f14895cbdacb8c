import { X } from "lucide-react";
import { useId, type ReactNode } from "react";

import { ListInput, RecordInput, TupleInput, VariantInput } from "./group-inputs.js";
import { JsonInput } from "./json-input.js";
import { NumberInput } from "./number-input.js";
import { descriptionOf, shapeOf, type Problem, type Schema, type Shape } from "./schema.js";

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
          {isGroup ? (
            <legend className="field-label">{label}</legend>
          ) : (
            <label className="field-label" htmlFor={id}>
              {label}
            </label>
          )}
          <span className="field-type">{typeName(shape)}</span>
          {!required && <span className="field-optional">optional</span>}
          {onRemove && (
            <button
              type="button"
              className="icon-button icon-small"
              aria-label={`Leave out ${label}`}
              title="Leave out"
              onClick={onRemove}
            >
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
      <Input
        {...properties}
        shape={shape}
        id={id}
        describedBy={described === "" ? undefined : described}
        invalid={own.length > 0}
      />
      {own.length > 0 && (
        <p className="field-problem" id={`${id}-problem`} role="alert">
          {own.map(({ message }) => message).join("; ")}
        </p>
      )}
    </Wrapper>
  );
}

/** What ties an input to its label and its description. */
export interface Common {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": boolean | undefined;
}

/** What the input of a field is given. */
export interface InputProperties extends FieldProperties {
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
          <input
            {...common}
            type="checkbox"
            role="switch"
            checked={value === true}
            onChange={(event) => onChange(event.target.checked)}
          />
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
