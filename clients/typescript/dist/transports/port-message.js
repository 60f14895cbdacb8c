/**
 * What ports say to each other beside frames: objects with the one key `sixframe`, which is no frame's, so that a peer of
 * another make ignores them.
 */
/** The message, where it is one of ours. */
export function portMessage(message) {
    if (typeof message !== "object" || message === null || !("sixframe" in message))
        return undefined;
    return typeof message.sixframe === "string" ? message : undefined;
}
//# sourceMappingURL=port-message.js.map