/**
 * A page that shows the state which all windows share, and the lines of a file as they come. Its address says where the daemon
 * is: `page.html#ws://127.0.0.1:4700/#TOKEN`. In a project of your own the imports read `from "sixframe/…"`.
 */

import { createRoot } from "react-dom/client";

import { Hub } from "../src/hub.js";
import { RpcEndpoint } from "../src/index.js";
import { HubProvider, useHub, useHubHandle, useStream } from "../src/react.js";
import { webSocket } from "../src/transports/websocket.js";

const [, address = "", token = ""] = location.hash.split("#");
const endpoint = new RpcEndpoint(webSocket(address, { token }));
endpoint.start();
createRoot(document.body).render(
  <HubProvider hub={new Hub(endpoint)}>
    <Page />
  </HubProvider>,
);

function Page() {
  const hub = useHubHandle();
  const temperature = useHub((state) => state.global.temperature);
  const { value: line } = useStream<{ data: string } | null>("fs.tail", { path: "app.log" });
  return (
    <main>
      <p>Temperature: {temperature ?? "not known yet"}</p>
      <button onClick={() => void hub.set("/global/temperature", (temperature ?? 0) + 1)}>Warmer</button>
      <p>Last line: {line?.data ?? "none yet"}</p>
    </main>
  );
}
