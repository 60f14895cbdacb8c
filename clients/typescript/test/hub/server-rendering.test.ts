import { createElement as h, type ReactNode } from "react";
import { renderToString } from "react-dom/server";
import { expect, test } from "vitest";

import { Hub, type HubPeer, type HubState } from "../../src/hub.js";
import { HubProvider, useHub, useStream } from "../../src/react.js";

test("components render on a server, where nothing is known yet, and no stream is opened there", () => {
  const opened: string[] = [];
  const stream: HubPeer["stream"] = (method) => {
    opened.push(method);
    throw new Error("there is no connection on a server");
  };
  function Part(): ReactNode {
    const temperature = useHub((state) => state.global.temperature);
    const { state, count } = useStream("fs.tail", { path: "app.log" });
    return h("p", null, `${temperature ?? "not known"}, ${state}, ${count}`);
  }
  const hub: Hub = new Hub({ request: () => Promise.reject(new Error("no")), stream });
  const page = renderToString(h(HubProvider<HubState>, { hub }, h(Part)));
  expect(page).toBe("<p>not known, open, 0</p>");
  expect(opened).not.toContain("fs.tail");
  hub.close();
});
