/**
 * How much of a text that grows is looked through each time it does: all of it while it is short, later on up to a mark, so
 * that everything that was looked through adds up to a fixed multiple of the text. The marks depend on nothing but the length.
 */

/** Up to this many characters, all. */
const SHORT = 1_024;
/** Beyond, the part of a text that it grows by between two marks. */
const PART = 128;

const marks = [SHORT];

/** The last mark that is not behind `length`. */
export function checkpoint(length: number): number {
  if (length <= SHORT) return length;
  for (let last = marks.at(-1) as number; last <= length; last = marks.at(-1) as number) marks.push(last + Math.ceil(last / PART));
  let low = 0;
  let high = marks.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((marks[middle] as number) <= length) low = middle;
    else high = middle - 1;
  }
  return marks[low] as number;
}
