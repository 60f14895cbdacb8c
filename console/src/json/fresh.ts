/** Which places of a state changed a moment ago. */

import { useEffect, useRef, useState } from "react";
import { parsePointer } from "sixframe/hub";

import type { JsonRow } from "./json-rows.js";

const FRESH_MS = 1_600;

/** The paths of the rows whose value is another one than in the state `before`; open rows leave that to those below them. */
export function changed(before: unknown, rows: readonly JsonRow[]): string[] {
  return rows
    .filter(({ path, value, isOpen }) => !isOpen && !Object.is(valueAt(before, path), value))
    .map(({ path }) => path);
}

function valueAt(state: unknown, path: string): unknown {
  return parsePointer(path).reduce<unknown>(
    (node, key) => (isContainer(node) && Object.hasOwn(node, key) ? node[key] : undefined),
    state,
  );
}

function isContainer(node: unknown): node is Record<string, unknown> {
  return typeof node === "object" && node !== null;
}

/** How often each place was marked; a place stays in it for as long as its mark is seen. */
export function useFresh(rows: readonly JsonRow[], state: unknown): ReadonlyMap<string, number> {
  const known = useRef<unknown>(undefined);
  const marks = useRef(0);
  const [fresh, setFresh] = useState<ReadonlyMap<string, number>>(new Map());
  useEffect(() => {
    if (state === undefined) return;
    const before = known.current;
    known.current = state;
    if (before === undefined || before === state) return;
    const paths = changed(before, rows);
    if (paths.length === 0) return;
    marks.current += 1;
    const mark = marks.current;
    setFresh((shown) => new Map([...shown, ...paths.map((path) => [path, mark] as const)]));
    setTimeout(() => setFresh((shown) => new Map([...shown].filter(([, own]) => own !== mark))), FRESH_MS);
  }, [rows, state]);
  return fresh;
}
