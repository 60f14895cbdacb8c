/** What fails, and how it travels. `spec: error.*` */
/** Why a call failed: what its caller catches, and what a handler throws to be understood by its caller. */
export class RpcError extends Error {
    constructor(code, message, details, domain = "common") {
        super(message);
        Object.assign(this, { name: "RpcError", code, details, domain });
    }
}
/** The failure that a limit causes: it names the limit, its value and the setting that raises it. `spec: limit.1` */
export function limitError(limit, value, setting, code = "RESOURCE_EXHAUSTED") {
    setting = "limits." + setting;
    return new RpcError(code, `${limit} limit of ${value} reached; raise it with ${setting}`, { limit, value, setting });
}
/** The frame that tells the peer of a failure. */
export function errFrame(cid, { message, code, domain, details }) {
    return { kind: "err", cid, ok: false, message, code, domain, details };
}
//# sourceMappingURL=errors.js.map