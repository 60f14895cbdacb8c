/**
 * What tells of elements whether they are in view, which jsdom has not: all of each is there until a test says that it is not.
 * It tells after the task that it was asked in, as a browser does.
 */

const observers = new Set<StandInObserver>();
const outOfView = new Set<Element>();

/** Brings an element into view, or takes it out of there, and tells who observes it. */
export function putInView(element: Element, isIn: boolean): void {
  if (isIn) outOfView.delete(element);
  else outOfView.add(element);
  for (const observer of observers) observer.look(element);
}

/** Everything is in view again. */
export function forgetViews(): void {
  outOfView.clear();
}

export class StandInObserver implements IntersectionObserver {
  readonly root = null;
  readonly rootMargin = "0px";
  readonly scrollMargin = "0px";
  readonly thresholds: readonly number[];
  readonly #tell: IntersectionObserverCallback;
  readonly #observed = new Set<Element>();

  constructor(tell: IntersectionObserverCallback, { threshold = 0 }: IntersectionObserverInit = {}) {
    this.#tell = tell;
    this.thresholds = [threshold].flat();
  }

  observe(element: Element): void {
    this.#observed.add(element);
    observers.add(this);
    setTimeout(() => this.look(element));
  }

  unobserve(element: Element): void {
    this.#observed.delete(element);
  }

  disconnect(): void {
    this.#observed.clear();
    observers.delete(this);
  }

  takeRecords(): IntersectionObserverEntry[] {
    return [];
  }

  /** Tells of an element, where it is observed. */
  look(element: Element): void {
    if (!this.#observed.has(element)) return;
    const isIntersecting = element.isConnected && !outOfView.has(element);
    const box = element.getBoundingClientRect();
    const [intersectionRatio, time] = [isIntersecting ? 1 : 0, performance.now()];
    this.#tell([{ target: element, isIntersecting, intersectionRatio, time, boundingClientRect: box, intersectionRect: box, rootBounds: null }], this);
  }
}
