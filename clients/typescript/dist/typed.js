/** Types for the methods of a peer, and none of the engine's work: what is called is checked when it is compiled. */
/** The same endpoint, typed: `typed<Methods>(endpoint).request("hub.commit", { ops })`. */
export function typed(endpoint) {
    return endpoint;
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