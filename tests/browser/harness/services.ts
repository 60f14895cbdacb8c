/** Python services for the real daemon: one that is healthy, one that always ends, one that writes without end. */

/** Answers HTTP, says what is asked of it, and ends when it is told to. */
const HEALTHY = `
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
        if self.path == "/end":
            os._exit(7)
    def log_message(self, form, *args):
        print("\\x1b[32mINFO\\x1b[0m", form % args, flush=True)
print("it is <b>bold</b> to begin", flush=True)
print("a warning from the healthy one", file=sys.stderr, flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
`;

/** Says why, and ends. */
const CRASHING = `
import sys
print("no queue at localhost:5672", file=sys.stderr)
sys.exit(3)
`;

/** Writes numbered lines as fast as they are read, then waits. */
const FLOOD = `
import signal, sys
LINES = int(sys.argv[1])
for number in range(LINES):
    sys.stdout.write(f"line {number} of a flood that does not fit\\n")
print("the flood is over", flush=True)
signal.pause()
`;

interface Service {
  name: string;
  program: string;
  args: readonly string[];
  more?: string;
}

const SERVICES: readonly Service[] = [
  { name: "healthy", program: HEALTHY, args: ["{port}"], more: 'port = "auto"\nhealth = "http"\nauto_start = true' },
  {
    name: "crashing",
    program: CRASHING,
    args: [],
    more: 'auto_start = true\nrestart = { policy = "on-failure", backoff_ms = 10, max_backoff_ms = 20, starts = 3 }',
  },
  { name: "flood", program: FLOOD, args: ["130000"], more: "log_bytes = 524288" },
  { name: "absent", program: "", args: [] },
];

/** The configuration of a daemon that keeps them. */
export function configuration(): string {
  const quoted = (text: string): string => JSON.stringify(text);
  const entry = ({ name, program, args, more = "" }: Service): string =>
    program === ""
      ? `[[sidecar]]\nname = ${quoted(name)}\nprogram = "no-such-program-anywhere"\n`
      : `[[sidecar]]\nname = ${quoted(name)}\nprogram = "python3"\nargs = [${["-c", program, ...args].map(quoted).join(", ")}]\n${more}\n`;
  return `${SERVICES.map(entry).join("\n")}\n[app]\nmode = "service"\n`;
}
