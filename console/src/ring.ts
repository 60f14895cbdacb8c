/** Something of which the rows of a list can be taken; an array is one. */
export interface Rows<T> {
  readonly length: number;
  at(place: number): T | undefined;
}

const WORTH_CUTTING = 4_096;

/** A queue that is also read by place: added to at the end, taken from at the front, both in constant time. */
export class Ring<T> implements Rows<T> {
  #values: T[] = [];
  #first = 0;

  get length(): number {
    return this.#values.length - this.#first;
  }

  /** The value at a place, counted from the oldest that is there. */
  at(place: number): T | undefined {
    return place < 0 ? undefined : this.#values[this.#first + place];
  }

  push(value: T): void {
    this.#values.push(value);
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const value = this.#values[this.#first];
    this.#first += 1;
    if (this.#first >= WORTH_CUTTING && this.#first * 2 >= this.#values.length) {
      this.#values = this.#values.slice(this.#first);
      this.#first = 0;
    }
    return value;
  }

  clear(): void {
    this.#values = [];
    this.#first = 0;
  }

  toArray(): T[] {
    return this.#values.slice(this.#first);
  }
}

/** The place of the row whose number is `number`, in rows whose numbers rise; -1 where there is none. */
export function placeOf(rows: Rows<{ readonly number: number }>, number: number | undefined): number {
  if (number === undefined) return -1;
  let low = 0;
  for (let high = rows.length - 1; low <= high; ) {
    const middle = (low + high) >> 1;
    const found = rows.at(middle)?.number ?? Infinity;
    if (found === number) return middle;
    if (found < number) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
