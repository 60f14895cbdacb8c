import type { ReactNode } from "react";

import { CopyButton } from "../json/copy-button.js";
import type { Mode } from "./sidecar.js";

/** Lines that a newcomer can begin with. */
export const FIRST_LINES = `[[sidecar]]
name = "api"
program = "python3"
args = ["-u", "-m", "http.server", "--bind", "127.0.0.1", "{port}"]
port = "auto"
health = "http"
auto_start = true
`;

/** What stands in the place of processes where none are configured. */
export function NoSidecars({ mode }: { mode: Mode }): ReactNode {
  return (
    <div className="empty-page">
      <section className="no-sidecars">
        <h2>No processes yet</h2>
        <p>
          The daemon can keep programs beside it: it starts them, waits until they answer, starts them again when they end, and
          leaves none behind. These lines in its configuration file are a first one:
        </p>
        <div className="no-sidecars-lines">
          <pre tabIndex={0} aria-label="Lines for the configuration file">
            {FIRST_LINES}
          </pre>
          <CopyButton text={() => FIRST_LINES} />
        </div>
        <dl>
          <div>
            <dt>
              <code>program</code>
            </dt>
            <dd>is a path, or a name that is found in PATH.</dd>
          </div>
          <div>
            <dt>
              <code>{"{port}"}</code>
            </dt>
            <dd>becomes the free port that the daemon chose.</dd>
          </div>
          <div>
            <dt>
              <code>health</code>
            </dt>
            <dd>makes it ready once it answers HTTP there, and asks again every five seconds.</dd>
          </div>
        </dl>
        <p>
          Start the daemon again, and it is shown here. The mode is <b>{mode.name}</b> now.
        </p>
      </section>
    </div>
  );
}
