/** Agents that the same is asked of in the console: Claude Code with a model of the test's, and the one that is built in. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach } from "vitest";

import { CLAUDE, claudeConfiguration } from "./claude-code.js";
import { ConsoleDaemon } from "./console-daemon.js";
import { inConsole, type World } from "./console-world.js";
import { marked, markedAs } from "./marked.js";
import { KNOWN, MessagesModel, NOT_DONE } from "./messages-model.js";

const MARK = "TEST_OF_SIXFRAME";

/** What differs between agents that understand `write PATH`, `run COMMAND`, `search WORD` and `recall WORD`. */
export interface Player {
  name: string;
  /** Its name where a session is begun. */
  choice: RegExp;
  /** What it says to a no. */
  refusal: string;
  /** What it says where it is asked for a word that was said before; it may have no memory. */
  recollection?: string;
  /** What stands in the command line of what does its work, and what is seen where that is killed. */
  program: string;
  death: RegExp;
  /** What its pictures begin with. */
  shots: string;
  /** How long anything of it may take. */
  patienceMs: number;
}

export const CLAUDE_CODE: Player = {
  name: "Claude Code",
  choice: /^Claude/,
  refusal: NOT_DONE,
  recollection: KNOWN,
  program: CLAUDE,
  death: /^The agent ended$/,
  shots: "claude",
  patienceMs: 45_000,
};

/** A part of the daemon: what can be killed of it is the command that it runs. */
export const BUILT_IN: Player = {
  name: "the built-in agent",
  choice: /^Built-in/,
  refusal: "You did not allow that, so I stop here.",
  program: "tail",
  death: /^That did not work: the command .* signal 9/,
  shots: "agent",
  patienceMs: 30_000,
};

/** The world of a test, with a daemon that has the agent. */
export class Stage {
  readonly player: Player;
  world!: World;
  /** What Claude Code asks. */
  model!: MessagesModel;
  /** What all processes of the daemon have in their environment. */
  mark = "";

  constructor(player: Player) {
    this.player = player;
  }

  /** The daemon's processes and its agents', and its own. */
  processes(): number[] {
    return marked(MARK, this.mark);
  }

  /** What does the agent's work. */
  programs(): number[] {
    return markedAs(MARK, this.mark, this.player.program);
  }

  /** Another daemon in the place of the one that is gone. */
  async another(): Promise<void> {
    this.world.daemon = await ConsoleDaemon.start(this.world.daemon, { inherits: { [MARK]: this.mark } });
  }
}

/** Makes the stage of the tests around it, before each of them, and takes it away again. */
export function onStage(player: Player): Stage {
  const stage = new Stage(player);
  let home: string;

  // Behind the daemon's own end, since it stands in front of it.
  afterEach(async () => {
    await stage.model.stop();
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  });

  stage.world = inConsole({
    panel: "Agents",
    patienceMs: player.patienceMs,
    start: async () => {
      stage.mark = crypto.randomUUID();
      stage.model = await MessagesModel.start();
      home = mkdtempSync(join(tmpdir(), "sixframe-agent-"));
      const inherits = { [MARK]: stage.mark };
      const configuration = claudeConfiguration(home, stage.model.url, inherits);
      return ConsoleDaemon.start(undefined, { configuration, inherits });
    },
  });
  return stage;
}
