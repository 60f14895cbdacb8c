/** What a test of the console on the real daemon has: one browser for all, and a daemon and a page of its own for each. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";

import { launch } from "./chromium.js";
import { ConsoleDaemon } from "./console-daemon.js";
import { enter, watched, type PanelName, type Watched } from "./console-page.js";

const SHOTS = new URL("../../../target/screenshots/", import.meta.url).pathname;

export interface WorldOptions {
  /** The panel that the page shows first. */
  panel: PanelName;
  /** Starts the daemon. */
  start?: () => Promise<ConsoleDaemon>;
  /** How long whatever the page is waited for may take. */
  patienceMs?: number;
}

export class World {
  browser!: Browser;
  /** The daemon; a test that restarts it says which one there is now. */
  daemon!: ConsoleDaemon;
  /** The page, which must have nothing to complain of when the test is over. */
  first!: Watched;

  get page(): Page {
    return this.first.page;
  }

  /** A folder for agents to work in. */
  get folder(): string {
    const folder = join(this.daemon.folder, "project");
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** A path in that folder. */
  file(name: string): string {
    return join(this.folder, name);
  }

  /** Leaves a picture of a page. */
  async shoot(name: string, page = this.page): Promise<void> {
    await page.screenshot({ path: join(SHOTS, `${name}.png`) });
  }
}

/** Makes the world of the tests around it, before each of them, and takes it away again. */
export function inConsole({ panel, start = () => ConsoleDaemon.start(), patienceMs = 10_000 }: WorldOptions): World {
  const world = new World();

  beforeAll(async () => {
    mkdirSync(SHOTS, { recursive: true });
    world.browser = await launch();
  });

  afterAll(() => world.browser?.close());

  beforeEach(async () => {
    world.daemon = await start();
    world.first = await watched(world.browser);
    world.first.context.setDefaultTimeout(patienceMs);
    await enter(world.page, await world.daemon.link(), panel);
  }, 30_000 + patienceMs);

  afterEach(async () => {
    expect(world.first.complaints).toEqual([]);
    await world.first.context.close();
    await world.daemon.stop();
  });

  return world;
}
