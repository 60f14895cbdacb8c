import type { Browser } from "playwright-core";
import { afterAll, beforeAll } from "vitest";

import { bridgeSuite } from "../electron/suite.js";
import { inChromium, launch } from "../harness/chromium.js";
import { SubstituteApp } from "../harness/substitute.js";

// Not run on Electron: `npm run electron` runs the same suite there.
inChromium("Electron's bridge on a substitute", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  bridgeSuite(() => SubstituteApp.start(browser));
});
