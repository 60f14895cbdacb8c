import type { CDPSession, Page } from "playwright-core";
import { expect, test } from "vitest";

import { ask, begin, prompt } from "../harness/agents.js";
import { inChromium } from "../harness/chromium.js";
import { enter, show, watched } from "../harness/console-page.js";
import { inConsole } from "../harness/console-world.js";

inChromium("what is typed while the page changes around it", () => {
  const world = inConsole({ panel: "Agents" });

  /** A session at work, in which a prompt waits that was sent from here. */
  async function waits(page: Page, words: string): Promise<string> {
    await begin(page, world.folder);
    await ask(page, 'ask "Which?" [a|b]');
    await page.getByRole("button", { name: "Stop", exact: true }).waitFor();
    await ask(page, words);
    await page.getByText("1 prompt waits").waitFor();
    const { sessions } = await world.daemon.call<{ sessions: { sessionId: string }[] }>("agent.sessions");
    return sessions[0]?.sessionId ?? "";
  }

  const stopped = (page: Page): Promise<void> => page.getByText("What waited was not sent").first().waitFor();

  /** What an input method shows of a character that it composes. */
  const composes = (method: CDPSession, text: string): Promise<unknown> =>
    method.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });

  test("words that come back break off no character that an input method composes, and stand behind it", async () => {
    const { page } = world;
    const sessionId = await waits(page, "list one");
    await page.keyboard.type("앞 ");
    const method = await page.context().newCDPSession(page);
    await composes(method, "하");
    await world.daemon.call("agent.interrupt", { sessionId });
    await stopped(page);
    expect(await prompt(page).inputValue()).toBe("앞 하");
    await composes(method, "한");
    expect(await prompt(page).inputValue()).toBe("앞 한");
    await method.send("Input.insertText", { text: "한" });
    await expect.poll(() => prompt(page).inputValue()).toBe("앞 한\n\nlist one");
    await page.keyboard.type("글");
    await expect.poll(() => prompt(page).inputValue()).toBe("앞 한글\n\nlist one");
  });

  test("words that come back while a character is composed outlive a reload", async () => {
    const { page } = world;
    const sessionId = await waits(page, "list one");
    await composes(await page.context().newCDPSession(page), "하");
    await world.daemon.call("agent.interrupt", { sessionId });
    await stopped(page);
    await page.reload();
    await expect.poll(() => prompt(page).inputValue()).toBe("하\n\nlist one");
  });

  test("whoever writes in the midst of the draft goes on there when words come back", async () => {
    const { page } = world;
    await waits(page, "list one");
    await page.keyboard.type("hello world");
    await page.keyboard.press("Home");
    await page.keyboard.type("X");
    await page.keyboard.press("Escape");
    await stopped(page);
    await page.keyboard.type("Y");
    expect(await prompt(page).inputValue()).toBe("XYhello world\n\nlist one");
  });

  test("a change of a prompt that waits is in the field for prompts when a reload has taken the prompt back", async () => {
    const { page } = world;
    await waits(page, "list one");
    await page.getByRole("button", { name: "Change the prompt" }).click();
    await page.getByRole("textbox", { name: "The prompt" }).fill("a long and careful change of it");
    await page.reload();
    await expect.poll(() => prompt(page).inputValue()).toBe("a long and careful change of it");
  });

  test("a page in a browser that keeps nothing begins, and what is typed there is sent", async () => {
    const { page, context, complaints } = await watched(world.browser);
    await page.addInitScript(() => {
      for (const name of ["localStorage", "sessionStorage"])
        Object.defineProperty(window, name, {
          get: () => {
            throw new DOMException("the storage is forbidden", "SecurityError");
          },
        });
    });
    await enter(page, await world.daemon.link(), "Agents");
    await waits(page, "list one");
    await show(page, "Methods");
    await show(page, "Agents");
    await page.getByText("1 prompt waits").waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });
});
