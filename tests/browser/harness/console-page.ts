/** The console in a browser, and what its tests watch for on every page. */

import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from "playwright-core";

/** A page, and everything that a reader of its console would complain about. */
export interface Watched {
  context: BrowserContext;
  page: Page;
  complaints: string[];
}

/** Messages of the browser itself about a daemon that is away or that asks for a link: told by the page in its own words. */
const EXPECTED = /status of 401|ERR_CONNECTION|WebSocket connection to .* failed/;

/** A page of its own, in a context of its own or in one that is given. */
export async function watched(browser: Browser, options: BrowserContextOptions | BrowserContext = {}): Promise<Watched> {
  const context = "newPage" in options ? options : await browser.newContext(options);
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on(
    "console",
    (message) => message.type() === "error" && !EXPECTED.test(message.text()) && complaints.push(message.text()),
  );
  page.on("pageerror", (error) => complaints.push(String(error)));
  return { context, page, complaints };
}

/** The console's panels. */
export type PanelName = "Agents" | "Transcripts" | "Methods" | "State" | "Frames" | "Processes" | "Windows";

/** Opens the console by a link, waits until it is connected, and shows a panel. */
export async function enter(page: Page, link: string, panel: PanelName = "Methods"): Promise<void> {
  await page.goto(link);
  await page.getByText("Connected", { exact: true }).waitFor();
  await show(page, panel);
}

/** Shows a panel. */
export async function show(page: Page, panel: PanelName): Promise<void> {
  await page.getByRole("tab", { name: panel }).click();
}

/** A row of the tree of the state. */
export function row(page: Page, name: RegExp): Locator {
  return page.getByRole("treeitem", { name });
}

/** Edits a value of the state in place. */
export async function edit(page: Page, name: RegExp, value: string): Promise<void> {
  await row(page, name).click();
  await page.keyboard.press("Enter");
  await page.keyboard.type(value);
  await page.keyboard.press("Enter");
}
