/** What was used and what it cost, as people read it. */

import type { AgentUsage } from "../api.js";
import { shortened, visible } from "../render/plain.js";

/** An agent may call a currency anything. */
const LONGEST_CURRENCY = 12;

/** A count of tokens, short. */
export function short(tokens: number): string {
  if (tokens < 1_000) return String(tokens);
  if (tokens < 1_000_000) return `${(tokens / 1_000).toFixed(tokens < 10_000 ? 1 : 0)}k`;
  return `${(tokens / 1_000_000).toFixed(tokens < 10_000_000 ? 1 : 0)}M`;
}

/** What went in and what came out. */
export function tokens({ input, cachedRead, cachedWrite, output }: AgentUsage): string | undefined {
  const read = input + cachedRead + cachedWrite;
  return read + output === 0 ? undefined : `${short(read)} in, ${short(output)} out`;
}

/** An amount of money; what costs less than a cent is not rounded away. */
export function money(micros: number, currency: string): string {
  const amount = micros / 1_000_000;
  const digits = amount !== 0 && amount < 0.01 ? 4 : 2;
  try {
    const format = { style: "currency", currency, minimumFractionDigits: 2, maximumFractionDigits: digits } as const;
    return new Intl.NumberFormat("en", format).format(amount);
  } catch {
    // A currency that nobody knows.
    return `${amount.toFixed(digits)} ${shortened(visible(currency), LONGEST_CURRENCY)}`;
  }
}
