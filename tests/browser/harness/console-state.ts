/** A state as a busy daemon has it. */
export const STATE = {
  global: { defaultModel: "gpt-4o-mini", temperature: 0.7, maxTokens: 8_000 },
  sessions: {
    "s-1": { sessionId: "s-1", title: "Port the parser", model: "claude-sonnet", tokens: 18_204, pinned: true },
    "s-2": { sessionId: "s-2", title: "Release notes", tokens: 2_311, pinned: false },
  },
  agents: [
    { id: "a-1", name: "reviewer", state: "thinking", session: "s-1" },
    { id: "a-2", name: "scribe", state: "idle", session: "s-2" },
  ],
  sidecars: {
    indexer: { state: "running", pid: 4_711, restarts: 0 },
    "llm-proxy": { state: "starting", pid: null, restarts: 2 },
  },
  windows: {},
};
