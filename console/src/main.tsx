import "./styles/index.css";

import { createRoot, type Root } from "react-dom/client";

import { Console } from "./console.js";
import { furnish } from "./furnish.js";
import { enter, hasTicket, takeTicket } from "./session.js";
import { Gate } from "./shell/gate.js";
import { lasting, ofWindow } from "./storage.js";
import { showTheme } from "./theme.js";
import { nameOfWindow } from "./window-name.js";

const surroundings = { location, history, storage: lasting, fetch: fetch.bind(window) };
/** Asked for once: the name is held as long as the page is there. */
const windowName = nameOfWindow(ofWindow, navigator.locks);

/** A link that is opened in a page which is there already changes its address alone. */
function watchAddress(root: Root): void {
  window.addEventListener("hashchange", () => {
    if (hasTicket(location)) void open(root);
  });
}

let isIn = false;

async function open(root: Root): Promise<void> {
  if (isIn) return void takeTicket(surroundings);
  const entry = await enter(surroundings);
  if (entry.kind === "out") return root.render(<Gate why={entry.why} />);
  if (entry.kind === "unreachable") return root.render(<Gate why="" onRetry={() => void open(root)} />);
  isIn = true;
  const environment = furnish(entry.token, await windowName, surroundings, (why) => {
    isIn = false;
    root.render(<Gate why={why} />);
  });
  root.render(<Console environment={environment} />);
}

const place = document.getElementById("console");
if (!place) throw new Error("the page has no place for the console");
showTheme();
const root = createRoot(place);
watchAddress(root);
void open(root);
