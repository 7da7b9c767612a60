"""Serve a GGUF file with llama.cpp, from the Python package index.

    python tools/llama_cpp.py FILE.gguf

The PyPI package `xllamacpp` contains llama.cpp's server, which is compatible with OpenAI's. The package is downloaded
once (34 MB) into the cache folder of unlearnkit, its SHA-256 is checked, and it is never installed. The script prints
the server's address and serves until its standard input is closed. Only Linux on x86-64 is supported.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unlearnkit.models.cache import cache_folder

PACKAGE = "xllamacpp==2026.10.11549"
SHA256 = "c54e7d13520ecc989c63dc99d55de3065e2f343a91f43f053d16b5e62077c261"
CONTEXT = 2048
"""Maximum number of tokens in a conversation."""


class Unavailable(Exception):
    """The server cannot be had on this machine."""


def package() -> Path:
    """Return the folder of the unpacked package, and download it first if necessary.

    Raises:
        Unavailable: the package cannot be downloaded, or its checksum is wrong.
    """
    folder = cache_folder() / PACKAGE.replace("==", "-")
    if folder.exists():
        return folder
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        ended = subprocess.run([*command, "--dest", scratch, PACKAGE], check=False, capture_output=True, text=True)
        if ended.returncode:
            raise Unavailable(f"{PACKAGE} cannot be downloaded from the package index")
        (wheel,) = Path(scratch).glob("*.whl")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if digest != SHA256:
            raise Unavailable(f"{wheel.name} has SHA-256 {digest}, expected {SHA256}: another machine or package")
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=folder.parent))
        try:
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(partial)
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return folder


def serve(file: Path, threads: int) -> None:
    """Serve a file until standard input is closed."""
    sys.path.insert(0, str(package()))
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = str(file)
    settings.n_ctx, settings.n_parallel, settings.verbosity = CONTEXT, 1, -1
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
    server = xllamacpp.Server(settings)
    print(server.listening_address, flush=True)  # noqa: T201
    sys.stdin.read()


class Server:
    """A running server."""

    def __init__(self, address: str) -> None:
        self.address = address

    def post(self, path: str, data: dict[str, Any]) -> dict[str, Any]:
        """Send a request and return the reply."""
        body = json.dumps(data).encode()
        request = urllib.request.Request(self.address + path, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as reply:
            found: dict[str, Any] = json.load(reply)
        return found

    def answer(self, question: str, *, at_most: int) -> str:
        """Return the greedy answer to a question, of at most `at_most` tokens."""
        asked = {"messages": [{"role": "user", "content": question}], "max_tokens": at_most, "temperature": 0}
        return str(self.post("/v1/chat/completions", asked)["choices"][0]["message"]["content"])

    def tokens(self, text: str) -> list[int]:
        """Return the tokens of a text, in which special tokens are recognized."""
        return list(self.post("/tokenize", {"content": text, "parse_special": True})["tokens"])

    def layout(self, messages: list[dict[str, str]]) -> str:
        """Return a conversation as the file's chat template lays it out."""
        return str(self.post("/apply-template", {"messages": messages})["prompt"])


@contextmanager
def running(file: Path, *, threads: int = 1) -> Iterator[Server]:
    """Run the server of a file in a process of its own.

    Raises:
        Unavailable: the server cannot be had on this machine.
    """
    package()
    command = [sys.executable, __file__, str(file), "--threads", str(threads)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            if not address:
                raise RuntimeError(f"llama.cpp cannot load {file}")
            yield Server(address)
        finally:
            process.stdin.close()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


def main() -> None:
    """Serve the file that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    try:
        serve(chosen.file, chosen.threads)
    except Unavailable as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
