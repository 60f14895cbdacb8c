/** Six frames, any transport: RPC between user interfaces and what runs beside them. */
export { RpcEndpoint, } from "./endpoint.js";
export { RpcError } from "./errors.js";
export { Item } from "./item.js";
export { method, streamMethod, typed } from "./typed.js";
//# sourceMappingURL=index.js.map