/** Which places of a state changed a moment ago. */

import { useEffect, useRef, useState } from "react";

import type { JsonRow } from "./json-rows.js";

const FRESH_MS = 1_600;

/** The value at each path of the rows that are in sight. */
type Values = ReadonlyMap<string, unknown>;

/** The paths whose rows are to be marked: values that are others now, and containers only while they are closed. */
export function changed(before: Values, rows: readonly JsonRow[]): string[] {
  return rows.filter(({ path, value, isOpen }) => before.has(path) && !isOpen && before.get(path) !== value).map(({ path }) => path);
}

export function valuesOf(rows: readonly JsonRow[]): Values {
  return new Map(rows.map(({ path, value }) => [path, value]));
}

/** How often each place was marked; a place stays in it for as long as its mark is seen. */
export function useFresh(rows: readonly JsonRow[], state: unknown): ReadonlyMap<string, number> {
  const known = useRef<{ state: unknown; values: Values }>({ state: undefined, values: new Map() });
  const marks = useRef(0);
  const [fresh, setFresh] = useState<ReadonlyMap<string, number>>(new Map());
  useEffect(() => {
    if (state === undefined) return;
    const before = known.current;
    known.current = { state, values: valuesOf(rows) };
    if (before.state === undefined || before.state === state) return;
    const paths = changed(before.values, rows);
    if (paths.length === 0) return;
    marks.current += 1;
    const mark = marks.current;
    setFresh((shown) => new Map([...shown, ...paths.map((path) => [path, mark] as const)]));
    setTimeout(() => setFresh((shown) => new Map([...shown].filter(([, own]) => own !== mark))), FRESH_MS);
  }, [rows, state]);
  return fresh;
}
