/**
 * Listeners to a change. One that throws does not keep the others from hearing it, and what a listener changes is told after
 * everyone has heard the first change.
 */
export class Listeners {
  readonly #listeners = new Set<() => void>();
  #telling = false;
  #again = false;

  /** Adds a listener; the answer removes it. */
  add(listener: () => void): () => void {
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Calls every listener. */
  tell(): void {
    this.#again = true;
    if (this.#telling) return;
    this.#telling = true;
    try {
      while (this.#again) {
        this.#again = false;
        for (const listener of [...this.#listeners]) if (this.#listeners.has(listener)) isolated(listener);
      }
    } finally {
      this.#telling = false;
    }
  }
}

/** Its error is reported as one that nobody caught. */
function isolated(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
