/**
 * The page's half of the substitute's context bridge: it makes functions of what the isolated world exposes. Runs before the
 * page's own scripts.
 */

/** From the page: a call of a function of the isolated world. */
export const CALL = "substitute-call";
/** To the page: how a call ended. */
export const RESULT = "substitute-result";
/** To the page: a call of a function of its own. */
export const SAY = "substitute-say";
/** To the page: functions under a name. */
export const EXPOSE = "substitute-expose";
/** From the page: it listens from now on. */
export const HELLO = "substitute-hello";

/** A call over the bridge; functions pass as numbers. */
export interface BridgeCall {
  id: number;
  fn: number;
  values: readonly ({ fn: number } | { value: unknown })[];
}

/** How it ended. */
export type Outcome = { value: unknown } | { fn: number } | { error: string } | { promised: true };

/** Installs the page's half. */
export function installBridge(): void {
  const own: ((value: unknown) => unknown)[] = [];
  const waiting = new Map<number, (outcome: Outcome) => void>();
  let calls = 0;

  const call = (fn: number, values: unknown[]): unknown => {
    calls += 1;
    const id = calls;
    const detail: BridgeCall = {
      id,
      fn,
      values: values.map((value) =>
        typeof value === "function" ? { fn: own.push(value as (typeof own)[number]) - 1 } : { value },
      ),
    };
    let outcome: Outcome | undefined;
    waiting.set(id, (told) => (outcome = told));
    document.dispatchEvent(new CustomEvent(CALL, { detail }));
    if (outcome === undefined) throw new Error("the isolated world did not answer");
    if ("promised" in outcome) {
      return new Promise((resolve, reject) => {
        waiting.set(id, (told) => {
          if ("error" in told) reject(new Error(told.error));
          else resolve("value" in told ? told.value : undefined);
        });
      });
    }
    waiting.delete(id);
    if ("error" in outcome) throw new Error(outcome.error);
    const settled = outcome;
    return "fn" in settled ? (...more: unknown[]) => call(settled.fn, more) : settled.value;
  };

  document.addEventListener(RESULT, (event) => {
    const { id, outcome } = (event as CustomEvent<{ id: number; outcome: Outcome }>).detail;
    waiting.get(id)?.(outcome);
  });
  document.addEventListener(SAY, (event) => {
    const { fn, value } = (event as CustomEvent<{ fn: number; value: unknown }>).detail;
    own[fn]?.(value);
  });
  document.addEventListener(EXPOSE, (event) => {
    const { name, functions } = (event as CustomEvent<{ name: string; functions: Record<string, number> }>).detail;
    const api = Object.entries(functions).map(([key, fn]) => [key, (...values: unknown[]) => call(fn, values)]);
    Object.defineProperty(window, name, { value: Object.freeze(Object.fromEntries(api)), configurable: true });
  });
  document.dispatchEvent(new Event(HELLO));
}
