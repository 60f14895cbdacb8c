/**
 * Notices a peer that died without a word. Plugged in with `new RpcEndpoint(transport, { use: [heartbeat(20_000)] })`.
 * `spec: discover.5`
 */

import type { Extension } from "./endpoint.js";
import { PING } from "./session/phase.js";

/** Asks a silent peer for a sign of life after so many milliseconds, and gives up on one that gives none in the same time again. */
export function heartbeat(ms: number): Extension {
  return (endpoint) => {
    const arrive = endpoint._arrive.bind(endpoint);
    const connected = endpoint._connected.bind(endpoint);
    let heard = 0;
    let isAsked = false;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const look = () => {
      const now = endpoint._now();
      timer = undefined;
      if (endpoint.state !== "open") return;
      if (now >= heard + ms) {
        if (isAsked) return endpoint._lose("the peer gave no sign of life; see heartbeat");
        // Whatever it sends next is a sign of life.
        endpoint._send({ kind: "req", cid: endpoint._prefix, method: PING });
        endpoint._run();
        isAsked = true;
        heard = now;
      }
      wait(now);
    };
    const wait = (now: number) => {
      // The longest span that a timer takes is a little less than 25 days.
      timer = setTimeout(look, Math.min(2 ** 31 - 1, heard + ms - now));
      (timer as { unref?: () => void }).unref?.();
    };
    const hear = () => {
      heard = endpoint._now();
      isAsked = false;
      if (!timer) wait(heard);
    };
    endpoint._arrive = (message, decode) => {
      hear();
      arrive(message, decode);
    };
    endpoint._connected = () => {
      connected();
      hear();
    };
  };
}
