/** First in, first out, without moving what is left when something is taken. */
export declare class Queue<T> {
    _items: T[];
    _head: number;
    get size(): number;
    push(item: T): void;
    peek(): T | undefined;
    shift(): T | undefined;
    /** Hands over everything. */
    take(): T[];
}
