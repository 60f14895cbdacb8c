/** First in, first out, without moving what is left when something is taken. */
export class Queue {
    _items = [];
    _head = 0;
    get size() {
        return this._items.length - this._head;
    }
    push(item) {
        this._items.push(item);
    }
    peek() {
        return this._items[this._head];
    }
    shift() {
        const items = this._items;
        const head = this._head;
        if (head === items.length)
            return undefined;
        const item = items[head];
        // What was taken must not be held for as long as others wait.
        items[head] = undefined;
        this._head = head + 1;
        if (this._head === items.length) {
            items.length = this._head = 0;
        }
        else if (head > 1023 && head * 2 > items.length) {
            this._items = items.slice(this._head);
            this._head = 0;
        }
        return item;
    }
    /** Hands over everything. */
    take() {
        const items = this._head ? this._items.slice(this._head) : this._items;
        this._items = [];
        this._head = 0;
        return items;
    }
}
//# sourceMappingURL=queue.js.map