/** What each panel shows. Panels are fetched one by one, so that the page is there before all of them are. */

import type { Standing } from "./connection.js";
import { later, type Later } from "./shell/later.js";
import type { PanelId } from "./shell/panels.js";
import type { Store } from "./store.js";

export const CONTENTS: Readonly<Record<PanelId, Later>> = {
  agents: later(async () => (await import("./chat/agents-panel.js")).AgentsPanel),
  transcripts: later(async () => (await import("./transcripts/transcripts-panel.js")).TranscriptsPanel),
  methods: later(async () => (await import("./methods/methods-panel.js")).MethodsPanel),
  state: later(async () => (await import("./state/state-panel.js")).StatePanel),
  frames: later(async () => (await import("./frames/frames-panel.js")).FramesPanel),
  processes: later(async () => (await import("./processes/processes-panel.js")).ProcessesPanel),
  windows: later(async () => (await import("./windows/windows-panel.js")).WindowsPanel),
};

/** Fetches all of them, one after the other: they are there then when the daemon is not. */
export async function loadContents(connection: Store<Standing>): Promise<void> {
  for (const { load } of Object.values(CONTENTS)) await load(connection);
}
