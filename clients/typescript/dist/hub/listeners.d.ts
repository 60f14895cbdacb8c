/**
 * Listeners to a change. One that throws does not keep the others from hearing it, and what a listener changes is told after
 * everyone has heard the first change.
 */
export declare class Listeners {
    #private;
    /** Adds a listener; the answer removes it. */
    add(listener: () => void): () => void;
    /** Calls every listener. */
    tell(): void;
}
