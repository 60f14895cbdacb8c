// Measures request round trips of several libraries over the same channels, in alternating rounds.

import { MessageChannel } from "node:worker_threads";
import * as comlink from "comlink";
import nodeEndpoint from "comlink/dist/esm/node-adapter.mjs";
import { RpcEndpoint } from "../dist/index.js";
import { limits } from "../dist/limits.js";
import { memory } from "../dist/transports/memory.js";
import { MessagePortTransport } from "../dist/transports/message-port.js";

const CALLS = Number(process.env.CALLS ?? 10_000);
const ROUNDS = Number(process.env.ROUNDS ?? 7);
const add = ([a, b]) => a + b;

function endpoints(here, there, options) {
  const [near, far] = [new RpcEndpoint(here, options), new RpcEndpoint(there, options)];
  far.register("add", add);
  near.start();
  far.start();
  return { call: (n) => near.request("add", [n, 1]), stop: () => (near.stop(), far.stop()) };
}

const contestants = {
  "channel: bare"() {
    const { port1, port2 } = new MessageChannel();
    const waiting = new Map();
    port2.on("message", ({ id, args }) => port2.postMessage({ id, result: add(args) }));
    port1.on("message", ({ id, result }) => {
      waiting.get(id)(result);
      waiting.delete(id);
    });
    const call = (id) => new Promise((resolve) => (waiting.set(id, resolve), port1.postMessage({ id, args: [id, 1] })));
    return { call, stop: () => port1.close() };
  },
  "channel: sixframe"() {
    const { port1, port2 } = new MessageChannel();
    return endpoints(new MessagePortTransport(port1), new MessagePortTransport(port2));
  },
  "channel: comlink"() {
    const { port1, port2 } = new MessageChannel();
    comlink.expose({ add }, nodeEndpoint(port2));
    const remote = comlink.wrap(nodeEndpoint(port1));
    return { call: (n) => remote.add([n, 1]), stop: () => port1.close() };
  },
  "text: sixframe": () => endpoints(...memory({ text: true })),
  "text: sixframe with limits": () => endpoints(...memory({ text: true }), { use: [limits] }),
  "objects: sixframe": () => endpoints(...memory()),
};

try {
  const { RPCChannel } = await import("kkrpc");
  contestants["text: kkrpc"] = () => {
    const pipe = (name) => {
      const waiting = [];
      let reader;
      return {
        name,
        push(text) {
          if (reader) reader(text);
          else waiting.push(text);
          reader = undefined;
        },
        read: () => (waiting.length ? Promise.resolve(waiting.shift()) : new Promise((resolve) => (reader = resolve))),
        async write(text) {
          this.peer.push(text);
        },
      };
    };
    const [here, there] = [pipe("here"), pipe("there")];
    here.peer = there;
    there.peer = here;
    new RPCChannel(there, { expose: { add } });
    const api = new RPCChannel(here, {}).getAPI();
    return { call: (n) => api.add([n, 1]), stop() {} };
  };
} catch {
  console.log("kkrpc is not installed");
}

async function oneByOne({ call }) {
  for (let n = 0; n < CALLS; n++) if ((await call(n)) !== n + 1) throw new Error("a wrong answer");
}

async function hundredAtOnce({ call }) {
  for (let n = 0; n < CALLS; n += 100) await Promise.all(Array.from({ length: 100 }, (_, more) => call(n + more)));
}

for (const [title, measure] of Object.entries({ "one by one": oneByOne, "a hundred at once": hundredAtOnce })) {
  const best = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, make] of Object.entries(contestants)) {
      const contestant = make();
      const start = performance.now();
      await measure(contestant);
      const micros = ((performance.now() - start) * 1000) / CALLS;
      contestant.stop();
      best[name] = Math.min(best[name] ?? Infinity, micros);
    }
  }
  console.log(`\n${title}, microseconds a call`);
  for (const [name, micros] of Object.entries(best)) console.log(`  ${name.padEnd(28)} ${micros.toFixed(2)}`);
}
process.exit(0);
