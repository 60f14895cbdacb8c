import { memo, type ReactNode } from "react";

import { visible } from "../render/plain.js";
import { count } from "../shell/units.js";

/** Lines from which on it is said how many there are, so that nobody thinks that the first ones are all. */
const LONG = 12;

/** How many fields are shown singly; more would take a page seconds to lay out. The others stand below them as one text. */
const MOST_FIELDS = 100;

/**
 * What an agent is given by a yes, with nothing left out or shortened, and what could not be seen made visible. Texts stand as
 * they are, with their line breaks; everything else as JSON.
 */
export const ExactInput = memo(function ExactInput({ input }: { input: unknown }): ReactNode {
  const fields = fieldsOf(input);
  if (fields.length === 0) return <p className="quiet">It is given nothing.</p>;
  const rest = fields.slice(MOST_FIELDS);
  return (
    <dl className="exact-input">
      {fields.slice(0, MOST_FIELDS).map(([name, value], at) => (
        <Field key={at} name={name} text={textOf(value)} />
      ))}
      {rest.length > 0 && <Rest fields={rest} />}
    </dl>
  );
});

function Field({ name, text }: { name: string; text: string }): ReactNode {
  const lines = text.split("\n").length;
  return (
    <div className="exact-field">
      {name !== "" && <dt>{visible(name)}</dt>}
      <dd>
        <pre tabIndex={0} aria-label={name === "" ? "Exact input" : visible(name)}>
          {visible(text)}
        </pre>
        {lines > LONG && <p className="exact-length">{count(lines)} lines: read to the end.</p>}
      </dd>
    </div>
  );
}

/** The fields that are too many to be shown singly, with their names. */
function Rest({ fields }: { fields: readonly Named[] }): ReactNode {
  const words = `${count(fields.length)} more ${fields.length === 1 ? "field" : "fields"}`;
  return (
    <div className="exact-field">
      <dt className="exact-rest">{`${words}: read to the end.`}</dt>
      <dd>
        <pre tabIndex={0} aria-label={words}>
          {visible(textOf(Object.fromEntries(fields)))}
        </pre>
      </dd>
    </div>
  );
}

type Named = readonly [name: string, value: unknown];

/** What a tool is given stands before what an agent that speaks ACP says of the call: that may be anything. */
function fieldsOf(input: unknown): readonly Named[] {
  if (input === null || input === undefined) return [];
  if (typeof input !== "object" || Array.isArray(input)) return [["", input]];
  const { rawInput, ...told } = input as { rawInput?: unknown };
  const given = typeof rawInput === "object" && rawInput !== null && !Array.isArray(rawInput) ? Object.entries(rawInput) : [];
  const isApart = given.length > 0 && !Object.keys(told).some((name) => name.startsWith("rawInput."));
  if (!isApart) return inReadingOrder(Object.entries(input));
  const named = inReadingOrder(given).map(([name, value]): Named => [`rawInput.${name}`, value]);
  return [...named, ...inReadingOrder(Object.entries(told))];
}

/** What is there before what takes its place, however they are sorted. */
export function inReadingOrder(fields: readonly Named[]): readonly Named[] {
  const places = new Map(fields.map(([name], at) => [name, at]));
  const placeOf = (name: string, from: string, to: string): number | undefined =>
    name.startsWith(from) && !/^[a-z]/.test(name.slice(from.length)) ? places.get(to + name.slice(from.length)) : undefined;
  return fields.flatMap((field, at) => {
    const [name] = field;
    const [replaced, replacing] = [placeOf(name, "new", "old"), placeOf(name, "old", "new")];
    if (replaced !== undefined && replaced > at) return [fields[replaced] as Named, field];
    return replacing !== undefined && replacing < at ? [] : [field];
  });
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
