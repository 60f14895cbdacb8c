import { useLayoutEffect, useRef, useState, type ChangeEvent, type CompositionEvent, type RefObject } from "react";

/** What a field is given for its text. */
interface SteadyField {
  ref: RefObject<HTMLTextAreaElement | null>;
  value: string;
  onChange: (event: ChangeEvent<HTMLTextAreaElement>) => void;
  onCompositionStart: (event: CompositionEvent<HTMLTextAreaElement>) => void;
  onCompositionEnd: (event: CompositionEvent<HTMLTextAreaElement>) => void;
}

/**
 * A field whose text others put more behind while somebody writes in it: the caret and what is selected stay where they are, and
 * while an input method composes a character, what came is not shown yet, as another value would break that off. It is part of
 * `text` at once.
 */
export function useSteadyField(text: string, write: (text: string) => void): SteadyField {
  const ref = useRef<HTMLTextAreaElement>(null);
  /** What the field says while a character is composed. */
  const [composed, setComposed] = useState<string | undefined>(undefined);
  // Words that are put in the place of others are shown whatever is composed.
  const value = composed !== undefined && text.startsWith(composed) ? composed : text;
  const later = text.slice(value.length);
  const before = stateOf(ref.current);
  useLayoutEffect(() => {
    const isLonger = before !== undefined && value !== before.value && before.value.trim() !== "" && value.startsWith(before.value);
    if (isLonger) ref.current?.setSelectionRange(before.start, before.end, before.direction);
  }, [value]);
  useLayoutEffect(() => {
    // One goes on behind what stands there already.
    const field = ref.current;
    if (field && field !== document.activeElement) field.setSelectionRange(field.value.length, field.value.length);
  }, []);
  return {
    ref,
    value,
    onChange: ({ target }) => {
      setComposed((was) => (was === undefined ? undefined : target.value));
      write(joined(target.value, later));
    },
    onCompositionStart: ({ currentTarget }) => setComposed(currentTarget.value),
    onCompositionEnd: ({ currentTarget }) => {
      setComposed(undefined);
      // Not every browser has told of its last change before.
      write(joined(currentTarget.value, later));
    },
  };
}

/** What is typed, and what came behind it meanwhile. */
function joined(typed: string, later: string): string {
  if (later === "") return typed;
  const words = later.replace(/^\n\n/, "");
  return typed.trim() === "" ? words : `${typed}\n\n${words}`;
}

interface FieldState {
  value: string;
  start: number;
  end: number;
  direction: "forward" | "backward" | "none";
}

function stateOf(field: HTMLTextAreaElement | null): FieldState | undefined {
  if (!field) return undefined;
  return { value: field.value, start: field.selectionStart, end: field.selectionEnd, direction: field.selectionDirection };
}
