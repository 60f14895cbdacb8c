/** What fails, and how it travels. `spec: error.*` */
/** Why a call failed: what its caller catches, and what a handler throws to be understood by its caller. */
export class RpcError extends Error {
    name = "RpcError";
    /** What programs branch on: one of {@link Code} or an application's own. */
    code;
    /** Data about the failure; its shape depends on `code`. */
    details;
    /** Whose code it is: `common` for the engine's own. */
    domain;
    constructor(code, message, details, domain = "common") {
        super(message);
        this.code = code;
        this.details = details;
        this.domain = domain;
    }
}
/** The failure that a limit causes: it names the limit, its value and the setting that raises it. `spec: limit.1` */
export function limitError(limit, value, setting, code = "RESOURCE_EXHAUSTED") {
    setting = "limits." + setting;
    const details = { limit, value, setting };
    return new RpcError(code, `${limit} limit of ${value} reached; raise it with ${setting}`, details);
}
/** The frame that tells the peer of a failure. */
export function errFrame(cid, error) {
    const { message, code, domain, details } = error;
    const frame = { kind: "err", cid, ok: false, message, code, domain };
    if (details !== undefined)
        frame.details = details;
    return frame;
}
//# sourceMappingURL=errors.js.map