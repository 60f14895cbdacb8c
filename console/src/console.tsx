import { Tabs } from "radix-ui";
import { useEffect, useState, type ReactNode } from "react";

import { chatCommands, stopChosen } from "./chat/chat-commands.js";
import { focusAsked } from "./chat/focus-asked.js";
import { KeysDialog } from "./commands/keys-dialog.js";
import { Palette, type Command } from "./commands/palette.js";
import { useShortcuts } from "./commands/shortcuts.js";
import { CONTENTS, loadContents } from "./contents.js";
import { chosenSource } from "./frames/chosen-source.js";
import { chosenMethod } from "./methods/chosen-method.js";
import { processCommands } from "./processes/process-commands.js";
import { Banner } from "./shell/banner.js";
import { Boundary } from "./shell/boundary.js";
import { EnvironmentProvider, type Environment } from "./shell/environment.js";
import { Header } from "./shell/header.js";
import { PANELS, panelOf, type PanelId } from "./shell/panels.js";
import { ToastList } from "./shell/toasts.js";
import { choose, chooseNext } from "./theme.js";

/** How long the page has for what is shown first. */
const FIRST_MS = 1_000;

/** The whole page, for who was let in. */
export function Console({ environment }: { environment: Environment }): ReactNode {
  const [panel, setPanel] = usePanel();
  const [dialog, setDialog] = useState<"palette" | "keys" | undefined>(undefined);
  const log = chosenSource.get() === "page" ? environment.frames : environment.tap.log;
  const pause = (): void => log.pause(!log.isPaused);

  useEffect(() => {
    // When there is time, behind what is shown first.
    const timer = setTimeout(() => void loadContents(environment.connection.standing), FIRST_MS);
    return () => clearTimeout(timer);
  }, [environment]);
  useShortcuts({
    "mod+l": () => (setPanel("agents"), environment.runs.chosen.set(undefined), focusAsked.set(true)),
    "mod+.": () => stopChosen(environment),
    "mod+k": () => setDialog("palette"),
    "?": () => setDialog("keys"),
    "/": focusSearch,
    t: chooseNext,
    ...(panel === "agents" && { escape: () => stopChosen(environment) }),
    ...(panel === "frames" && { p: pause }),
    ...Object.fromEntries(PANELS.map(({ id }, at) => [String(at + 1), () => setPanel(id)])),
  });

  const commands: Command[] = [
    ...PANELS.map(({ id, name }, at) => ({
      id: `go-${id}`,
      group: "Go to",
      name,
      keys: String(at + 1),
      run: () => setPanel(id),
    })),
    ...chatCommands(environment, () => setPanel("agents")),
    ...processCommands(environment, () => setPanel("processes")),
    ...methodCommands(environment, setPanel),
    { id: "pause", group: "Frames", name: log.isPaused ? "Go on" : "Pause", keys: "P", run: pause },
    { id: "clear", group: "Frames", name: "Clear", run: () => log.clear() },
    {
      id: "tap",
      group: "Frames",
      name: "Show the daemon's connections",
      words: "tap",
      run: () => (chosenSource.set("daemon"), setPanel("frames")),
    },
    { id: "own", group: "Frames", name: "Show this page's own", run: () => (chosenSource.set("page"), setPanel("frames")) },
    { id: "forget", group: "Methods", name: "Forget the history", run: () => environment.history.clear() },
    { id: "light", group: "Colours", name: "Light", words: "theme", run: () => choose("light") },
    { id: "dark", group: "Colours", name: "Dark", words: "theme", run: () => choose("dark") },
    { id: "system", group: "Colours", name: "The system's", words: "theme", run: () => choose("system") },
    { id: "keys", group: "Help", name: "Keyboard", keys: "?", run: () => setDialog("keys") },
  ];

  return (
    <EnvironmentProvider value={environment}>
      <Tabs.Root className="console" value={panel} onValueChange={(id) => setPanel(id as PanelId)}>
        <Header onPalette={() => setDialog("palette")} />
        <Banner />
        {PANELS.map(({ id, name }) => {
          const { Content } = CONTENTS[id];
          return (
            <Tabs.Content key={id} value={id} className="content" aria-label={name} tabIndex={-1}>
              <Boundary>
                <Content />
              </Boundary>
            </Tabs.Content>
          );
        })}
      </Tabs.Root>
      <ToastList toasts={environment.toasts} />
      {dialog === "palette" && <Palette commands={commands} onClose={() => setDialog(undefined)} />}
      {dialog === "keys" && <KeysDialog onClose={() => setDialog(undefined)} />}
    </EnvironmentProvider>
  );
}

/** The panel that the address names, so that a reload shows it again. */
function usePanel(): [PanelId, (panel: PanelId) => void] {
  const [panel, setPanel] = useState(() => panelOf(location.hash));
  useEffect(() => {
    const follow = (): void => setPanel(panelOf(location.hash));
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, []);
  return [
    panel,
    (next) => {
      history.replaceState(null, "", `#${next}`);
      setPanel(next);
    },
  ];
}

function methodCommands({ catalogue }: Environment, go: (panel: PanelId) => void): Command[] {
  const view = catalogue.view.get();
  if (view.state !== "ready") return [];
  return view.methods.map(({ name, summary }) => ({
    id: `method-${name}`,
    group: "Method",
    name,
    words: summary,
    run: () => {
      chosenMethod.set(name);
      go("methods");
    },
  }));
}

function focusSearch(): void {
  document.querySelector<HTMLInputElement>("[data-search]")?.focus();
}
