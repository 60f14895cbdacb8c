/** Types for the methods of a peer: what is called is checked when it is compiled. */
/**
 * The same endpoint, typed: `typed<Api>(endpoint, methods).request("hub.commit", { ops })`. What `methods` says of a method
 * are the defaults of its calls.
 */
export function typed(endpoint, methods = {}) {
    return {
        request: (method, payload, meta, options) => {
            const more = typeof options === "number" ? { timeoutMs: options } : options;
            return endpoint.request(method, payload, meta, { idempotent: methods[method]?.idempotent, ...more });
        },
        stream: (method, payload, meta, options) => endpoint.stream(method, payload, meta, { resume: methods[method]?.resumable, ...options }),
    };
}
/**
 * Describes a method, for those that no generator knows: `const add = method<[number, number], number>("add", { idempotent:
 * true })`, then `add(endpoint, [40, 2])`.
 */
export function method(name, defaults) {
    return (endpoint, payload, options) => endpoint.request(name, payload, undefined, { ...defaults, ...options });
}
/** Describes a method that streams; see {@link method}. */
export function streamMethod(name, defaults) {
    return (endpoint, payload, options) => endpoint.stream(name, payload, undefined, { ...defaults, ...options });
}
//# sourceMappingURL=typed.js.map