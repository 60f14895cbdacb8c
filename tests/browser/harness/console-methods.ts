/** The methods of the stand-in, as `rpc.discover` describes them. */

const any = { name: "result", schema: true };
const nothing = [{ name: "payload", schema: { type: "null" } }];

function method(name: string, summary: string, shape: string, params: unknown, more: object = {}): object {
  return {
    name,
    summary,
    paramStructure: "by-name",
    params,
    result: any,
    "x-shape": shape,
    "x-scope": "call",
    "x-idempotent": false,
    ...more,
  };
}

function takes(schema: object): object[] {
  return [{ name: "payload", schema }];
}

const operation = {
  oneOf: [
    {
      title: "add",
      type: "object",
      required: ["op", "path", "value"],
      properties: { op: { const: "add" }, path: { type: "string" }, value: true },
    },
    {
      title: "replace",
      type: "object",
      required: ["op", "path", "value"],
      properties: { op: { const: "replace" }, path: { type: "string" }, value: true },
    },
    {
      title: "remove",
      type: "object",
      required: ["op", "path"],
      properties: { op: { const: "remove" }, path: { type: "string" } },
    },
  ],
};

const run = {
  type: "object",
  required: ["prompt", "model"],
  properties: {
    prompt: { type: "string", minLength: 1, description: "What the agent is asked to do." },
    model: { $ref: "#/$defs/Model" },
    temperature: { type: "number", minimum: 0, maximum: 2, default: 0.7, description: "How freely it words its answer." },
    maxTokens: { type: "integer", minimum: 1, maximum: 200_000, default: 8_000 },
    tools: {
      type: "array",
      items: { type: "string", enum: ["fs.read", "fs.write", "shell", "web"] },
      default: ["fs.read"],
      description: "What it may use without asking.",
    },
    dryRun: { type: "boolean", default: false, description: "Says what it would do, and does nothing." },
    sandbox: {
      oneOf: [
        { title: "none", type: "null" },
        {
          title: "folder",
          type: "object",
          required: ["root"],
          properties: { root: { type: "string" }, readOnly: { type: "boolean" } },
        },
        {
          title: "container",
          type: "object",
          required: ["image"],
          properties: { image: { type: "string" }, memoryMb: { type: "integer", minimum: 64, maximum: 65_536 } },
        },
      ],
    },
  },
  additionalProperties: false,
  $defs: {
    Model: {
      oneOf: [
        { const: "claude-sonnet", description: "Balanced." },
        { const: "gpt-4o-mini", description: "Quick." },
        { const: "local", description: "Runs on this machine." },
      ],
    },
  },
};

/** An OpenRPC document. */
export const OPENRPC = {
  openrpc: "1.3.2",
  info: { title: "Sixframe", version: "0.3.0" },
  methods: [
    method(
      "agent.run",
      "Runs an agent on a prompt; items of what it says and does, the last one with its end.",
      "stream",
      takes(run),
      { "x-onLag": "block", "x-resumable": false },
    ),
    method(
      "clock.tick",
      "Ticks so many times a second until it is cancelled.",
      "stream",
      takes({
        type: "object",
        required: ["perSecond"],
        properties: { perSecond: { type: "integer", minimum: 1, maximum: 20_000, default: 10 } },
      }),
      { "x-onLag": "dropOldest" },
    ),
    method(
      "events.watch",
      "Follows the daemon's events.",
      "stream",
      takes({ type: "object", properties: { types: { type: "array", items: { type: "string" } } } }),
      { "x-resumable": true },
    ),
    method(
      "hub.commit",
      "Changes the state: all operations, or none.",
      "unary",
      takes({
        type: "object",
        required: ["ops"],
        properties: {
          ops: { type: "array", items: operation, minItems: 1 },
          expect: {
            type: "object",
            required: ["revision"],
            properties: { epoch: { type: "string" }, revision: { type: "integer", minimum: 0 } },
          },
        },
      }),
    ),
    method("hub.getSnapshot", "The whole state, with its version.", "unary", nothing, {
      "x-idempotent": true,
      "x-scope": "read",
    }),
    method(
      "hub.watch",
      "The state, then what changes.",
      "stream",
      takes({
        type: "object",
        properties: { paths: { type: "array", items: { type: "string" } }, session: { type: "string" } },
      }),
      { "x-resumable": true, "x-onLag": "latest", "x-scope": "read" },
    ),
    method(
      "math.add",
      "Adds two numbers.",
      "unary",
      takes({ type: "array", prefixItems: [{ type: "integer" }, { type: "integer" }], minItems: 2, maxItems: 2 }),
      { "x-idempotent": true },
    ),
    method("rpc.discover", "Describes every method as an OpenRPC document.", "unary", nothing, {
      "x-idempotent": true,
      "x-scope": "read",
    }),
    method("rpc.ping", "Answers null.", "unary", nothing, { "x-idempotent": true, "x-scope": "read" }),
    method("rpc.tap", "Shows the frames of all other connections as they pass, without secrets.", "stream", nothing, {
      "x-scope": "admin",
      "x-onLag": "dropOldest",
    }),
    method(
      "store.charge",
      "Charges a card.",
      "unary",
      takes({
        type: "object",
        required: ["amount"],
        properties: { amount: { type: "number", minimum: 0 }, currency: { type: "string", enum: ["EUR", "KRW", "USD"] } },
      }),
    ),
  ],
};
