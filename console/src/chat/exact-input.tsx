import type { ReactNode } from "react";

import { visible } from "../render/plain.js";
import { count } from "../shell/units.js";

/** Lines from which on it is said how many there are, so that nobody thinks that the first ones are all. */
const LONG = 12;

/**
 * What an agent is given by a yes, with nothing left out or shortened, and what could not be seen made visible. Texts stand as
 * they are, with their line breaks; everything else as JSON.
 */
export function ExactInput({ input }: { input: unknown }): ReactNode {
  const fields = fieldsOf(input);
  if (fields.length === 0) return <p className="quiet">It is given nothing.</p>;
  return (
    <dl className="exact-input">
      {fields.map(([name, text]) => (
        <Field key={name} name={name} text={text} />
      ))}
    </dl>
  );
}

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

function fieldsOf(input: unknown): readonly (readonly [name: string, text: string])[] {
  if (input === null || input === undefined) return [];
  if (typeof input !== "object" || Array.isArray(input)) return [["", textOf(input)]];
  return inReadingOrder(Object.entries(input)).map(([name, value]) => [name, textOf(value)] as const);
}

/** What is there before what takes its place, however they are sorted. */
function inReadingOrder(fields: readonly [name: string, value: unknown][]): readonly [name: string, value: unknown][] {
  const ordered = [...fields];
  const place = (name: string): number => ordered.findIndex(([other]) => other === name);
  for (const [name] of fields) {
    if (!/^new(?![a-z])/.test(name)) continue;
    const [from, to] = [place(name.replace("new", "old")), place(name)];
    if (from > to) ordered.splice(to, 0, ...ordered.splice(from, 1));
  }
  return ordered;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
