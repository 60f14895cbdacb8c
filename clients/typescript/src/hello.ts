/**
 * Introduces this side by `rpc.hello`, first on every connection. Plugged in with
 * `new RpcEndpoint(transport, { use: [hello({ name: "editor" })] })`. `spec: discover.1, owner.1`
 */

import type { Extension } from "./endpoint.js";
import type { RpcError } from "./errors.js";
import { after } from "./handlers.js";

/** What is said. */
export interface HelloOptions {
  /** What this side calls itself, for people: at most 128 bytes. Shown to others. */
  name?: string;
  /** Shown to the peer in `meta.token`; a function is asked before every connection. Never logged. */
  token?: string | (() => string | Promise<string>);
  /** The session that owns the work which outlives its call: a secret of the caller's own choosing. `spec: owner.1` */
  session?: string;
  /** The hash of the methods for which a client was generated; a peer with others is a warning. */
  methodsHash?: string;
}

/** Says hello. What goes wrong with that is a warning, but that the peer knows no `rpc.hello`. */
export function hello({ name, token, session, methodsHash }: HelloOptions = {}): Extension {
  return (endpoint) => {
    const connect = endpoint._connect.bind(endpoint);
    const connected = endpoint._connected.bind(endpoint);
    let shown: string | undefined;

    const say = async () => {
      const payload = { session, name, capabilities: ["fc", "resume", ...(endpoint._capabilities ?? [])] };
      try {
        const welcome = await endpoint.request<{ methodsHash?: string }>("rpc.hello", payload, shown ? { token: shown } : {});
        // A relay does not know which methods there are behind it.
        if (!methodsHash || !welcome?.methodsHash || welcome.methodsHash === methodsHash) return;
        endpoint._warn("the peer's methods are not those for which the client was generated", welcome);
      } catch (error) {
        if ((error as RpcError).code !== "NO_HANDLER" && endpoint.state === "open") endpoint._warn("rpc.hello failed", error);
      }
    };
    endpoint._connect = () => {
      // There must be a token before there is a connection: the introduction is its first frame.
      after(
        () => (typeof token === "function" ? token() : token),
        (made) => {
          shown = made;
          connect();
        },
        (error) => endpoint._lose(error),
      );
    };
    endpoint._connected = () => {
      connected();
      void say();
    };
  };
}
