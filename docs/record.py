#!/usr/bin/env python3
"""Records docs/terminal.svg: two terminals, the daemon in one and its caller in the other.

    cargo build && docs/record.py target/debug/sixframe

The commands run for real in tmux, and what is drawn is what its panes hold in the end. Only the folder for the run, which differs
each time, is drawn as /run/user/1000.
"""

import html
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WIDTH = 112
CHAR, LINE = 7.83, 18
PROMPT = "$ "
LIMIT = 30


class Terminal:
    def __init__(self, server, name, env):
        self.server, self.name = server, name
        variables = [f"{key}={value}" for key, value in env.items()]
        shell = shlex.join(["exec", "env", *variables, "bash", "--norc", "--noprofile"])
        self.tmux("new-session", "-d", "-s", name, "-x", str(WIDTH), "-y", "40", shell)
        self.until(PROMPT.strip())

    def tmux(self, *args):
        command = ["tmux", "-L", self.server, "-f", os.devnull, *args]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def text(self):
        return self.tmux("capture-pane", "-p", "-J", "-t", self.name).rstrip()

    def type(self, line):
        self.tmux("send-keys", "-t", self.name, "-l", line)
        self.tmux("send-keys", "-t", self.name, "Enter")

    def key(self, name):
        self.tmux("send-keys", "-t", self.name, name)

    def until(self, *wanted):
        """Waits until the pane holds these texts in this order."""
        given_up = time.monotonic() + LIMIT
        while time.monotonic() < given_up:
            rest = self.text()
            for text in wanted:
                _, found, rest = rest.partition(text)
                if not found:
                    break
            else:
                return
            time.sleep(0.05)
        raise SystemExit(f"{self.name} never showed {wanted}:\n{self.text()}")

    def run(self, line, *wanted):
        """A command that ends by itself: until what it prints, and the next prompt."""
        self.type(line)
        self.until(line, *wanted, "\n" + PROMPT.strip())


def play(daemon, caller):
    daemon.type("sixframe serve")
    daemon.until('"ready":true', "INFO")
    caller.run("sock=unix:$XDG_RUNTIME_DIR/sixframe/sixframe.sock")
    caller.run("sixframe call $sock rpc.ping", "null")
    caller.run("""(sleep 1; touch new.txt) & sixframe stream $sock fs.watch '{"path": "."}' --take 2""", "created")
    caller.type("""(for n in $(seq 5); do echo "line $n" >> app.log; sleep 1; done) & """
                """sixframe stream $sock fs.tail '{"path": "app.log", "from": "start"}'""")
    caller.until("line 2\\n")
    daemon.key("C-c")
    daemon.until("^C", "\n" + PROMPT.strip())
    daemon.type("sixframe serve")
    daemon.until("^C", '"ready":true', "INFO")
    caller.until("connected again", "line 5\\n")


def cut(line):
    """What tmux would show on further rows."""
    return [line[start : start + WIDTH] for start in range(0, max(len(line), 1), WIDTH)]


def colour(line):
    if line.startswith(PROMPT):
        return "command"
    return "said" if line.startswith(("sixframe:", "2", "[", "^C")) else "data"


def draw(titles_and_texts):
    parts, top = [], 12
    width = round(WIDTH * CHAR) + 48
    for title, text in titles_and_texts:
        lines = [(row, colour(line)) for line in text.splitlines() for row in cut(line)]
        height = len(lines) * LINE + 52
        parts.append(f'<rect class="window" x="12" y="{top}" width="{width - 24}" height="{height}" rx="8"/>')
        parts.append(f'<text class="title" x="{width / 2}" y="{top + 20}">{html.escape(title)}</text>')
        for index, (row, kind) in enumerate(lines):
            y = top + 48 + index * LINE
            parts.append(f'<text class="{kind}" x="28" y="{y}" xml:space="preserve">{html.escape(row, quote=False)}</text>')
        top += height + 12
    style = (
        "text{font:13px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}"
        ".window{fill:#16191f;stroke:#30363d}.title{fill:#7d8590;text-anchor:middle}"
        ".command{fill:#f0f6fc;font-weight:600}.data{fill:#7ee787}.said{fill:#9da7b3}"
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}" width="{width}" height="{top}" role="img">'
    about = "<title>The daemon is stopped and started again under a stream, which loses nothing</title>"
    return "\n".join([head, about, f"<style>{style}</style>", *parts, "</svg>", ""])


def main():
    program = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        work, runtime = Path(folder, "project"), Path(folder, "run")
        work.mkdir()
        runtime.mkdir(mode=0o700)
        env = {
            "PS1": PROMPT,
            "HOME": folder,
            "XDG_RUNTIME_DIR": str(runtime),
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "NO_COLOR": "1",
        }
        os.chdir(work)
        server = f"sixframe-recording-{os.getpid()}"
        daemon, caller = (Terminal(server, name, env) for name in ("daemon", "caller"))
        try:
            play(daemon, caller)
            texts = [(name, terminal.text()) for name, terminal in (("one terminal", daemon), ("another", caller))]
        finally:
            daemon.tmux("kill-server")
    neutral = [(title, text.replace(str(work), "~/project").replace(str(runtime), "/run/user/1000")) for title, text in texts]
    Path(__file__).with_name("terminal.svg").write_text(draw(neutral))


main()
