import "./styles/index.css";

import { createRoot, type Root } from "react-dom/client";

import { Console } from "./console.js";
import { furnish } from "./furnish.js";
import { enter } from "./session.js";
import { Gate } from "./shell/gate.js";
import { showTheme } from "./theme.js";

const surroundings = { location, history, storage: localStorage, fetch: fetch.bind(window) };

async function open(root: Root): Promise<void> {
  const entry = await enter(surroundings);
  if (entry.kind === "out") return root.render(<Gate why={entry.why} />);
  if (entry.kind === "unreachable") return root.render(<Gate why="" onRetry={() => void open(root)} />);
  const environment = furnish(entry.token, surroundings, (why) => root.render(<Gate why={why} />));
  root.render(<Console environment={environment} />);
}

const place = document.getElementById("console");
if (!place) throw new Error("the page has no place for the console");
showTheme();
void open(createRoot(place));
