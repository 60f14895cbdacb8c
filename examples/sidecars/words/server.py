"""Counts the words of texts, as a sidecar: HTTP on 127.0.0.1, the counting itself in a process of its own.

GET /health   -> {"ok": true}
POST /count   -> {"words": 3, "characters": 13, "worker": 4711}, for the text in the body
"""

import argparse
import json
import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LONGEST_BODY = 1 << 20


def count(text: str) -> dict:
    return {"words": len(text.split()), "characters": len(text), "worker": os.getpid()}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer(200, {"ok": True})
        else:
            self.answer(404, {"error": f"there is no {self.path}; POST a text to /count"})

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if self.path != "/count":
            self.close_connection = True
            return self.answer(404, {"error": f"there is no {self.path}; POST a text to /count"})
        if not length.isdecimal():
            self.close_connection = True
            return self.answer(411, {"error": "say how long the text is: content-length"})
        if int(length) > LONGEST_BODY:
            self.close_connection = True
            return self.answer(413, {"error": f"the text is longer than {LONGEST_BODY} bytes"})
        text = self.rfile.read(int(length)).decode("utf-8", "replace")
        self.answer(200, self.server.workers.submit(count, text).result())

    def answer(self, status: int, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, form: str, *args: object) -> None:
        print(form % args, flush=True)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, workers: ProcessPoolExecutor) -> None:
        self.workers = workers
        super().__init__(("127.0.0.1", port), Handler)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--port", type=int, required=True, help="the port of 127.0.0.1 to listen on")
    port = arguments.parse_args().port
    if sys.prefix == sys.base_prefix:
        print("this Python is not that of a virtual environment", file=sys.stderr, flush=True)

    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as workers:
        workers.submit(count, "").result()
        server = Server(port, workers)
        for signum in (signal.SIGTERM, signal.SIGINT):
            # Whoever serves cannot wait for itself to end.
            signal.signal(signum, lambda *_: threading.Thread(target=server.shutdown).start())
        print(f"counting words on http://127.0.0.1:{port}", flush=True)
        server.serve_forever(poll_interval=0.05)
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
