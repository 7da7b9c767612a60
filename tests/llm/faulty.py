"""A chat server on this machine that does what servers do on bad days, and counts."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Request = dict[str, Any]
FAULTS = (
    "slow",
    "429",
    "429 and wait",
    "429 until a date",
    "500",
    "503",
    "cut-off",
    "dropped",
    "dropped in the middle",
    "no choices",
    "html",
    "no completion",
)
"""Faults that pass, after which the same request has to be answered."""


class Faulty:
    """What the server is to do with each request, and what it did."""

    def __init__(self, answer: Callable[[Request], dict[str, Any]], fault: Callable[[str, int], str | None]) -> None:
        """How it answers, and its fault: by what the user said last, and how often that was asked before."""
        self.answer, self.fault = answer, fault
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.requests: list[Request] = []
        self.headers: list[dict[str, str]] = []
        self.connections = self.open = 0
        self.busy = self.busiest = 0
        self.lock = threading.Lock()
        self.url = ""
        self.release = threading.Event()
        """Until it is set, requests with the fault "held" are not answered."""

    def settle(self) -> None:
        """Wait until all that clients have sent is dealt with, and they are gone."""
        before = self.connections
        parts = urlsplit(self.url)
        # Connections are accepted in order: once this one is, so are all before it.
        socket.create_connection((parts.hostname or "", parts.port or 0)).close()
        while self.connections == before or self.open:
            time.sleep(0.001)

    def begin(self, request: Request, headers: dict[str, str]) -> tuple[str, str | None]:
        said = request["messages"][-1]["content"]
        with self.lock:
            before = self.asked[said]
            self.asked[said] += 1
            self.requests.append(request)
            self.headers.append(headers)
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
        return said, self.fault(said, before)


def completion(text: str | None = None, **message: Any) -> dict[str, Any]:
    """An answer as servers give it; other fields of the message as named."""
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text, **message}}
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 11, "total_tokens": 18},
    }


def never(said: str, before: int) -> None:
    """A server without faults."""


def always(fault: str) -> Callable[[str, int], str]:
    return lambda said, before: fault


def at_first(fault: str, times: int = 1) -> Callable[[str, int], str | None]:
    return lambda said, before: fault if before < times else None


def simple(request: Request) -> dict[str, Any]:
    return completion(f"to {request['messages'][-1]['content']}", reasoning_content="hm")


@contextmanager
def serving(
    answer: Callable[[Request], dict[str, Any]] = simple,
    fault: Callable[[str, int], str | None] = never,
) -> Iterator[Faulty]:
    """The server, on a port of its own, until the block ends."""
    state = Faulty(answer, fault)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            said, fault = state.begin(request, {k.lower(): v for k, v in self.headers.items()})
            try:
                self._do(request, said, fault)
            finally:
                with state.lock:
                    state.busy -= 1

        def _do(self, request: Request, said: str, fault: str | None) -> None:
            whole = json.dumps(state.answer(request)).encode()
            if fault == "slow":
                time.sleep(0.4)
            elif fault == "held":
                state.release.wait(60)
            if fault in (None, "slow", "held", "labeled as text"):
                with state.lock:
                    state.answered[said] += 1
                self._send(200, whole, "text/plain" if fault == "labeled as text" else "application/json")
            elif fault == "dropped":
                self.close_connection = True
                self.connection.close()
            elif fault == "dropped in the middle":
                self._send(200, whole[: len(whole) // 2], length=len(whole))
                self.close_connection = True
            elif fault == "cut-off":
                self._send(200, whole[: len(whole) // 2])
            elif fault == "no choices":
                self._send(200, json.dumps({**completion(), "choices": []}).encode())
            elif fault == "html":
                self._send(200, b"<html>one moment</html>", "text/html")
            elif fault == "no completion":
                self._send(200, b'["hello"]')
            elif fault == "429 and wait":
                self._send(429, b"{}", retry_after="0.15")
            elif fault == "429 until a date":
                self._send(429, b"{}", retry_after="Thu, 01 Jan 2015 00:00:00 GMT")
            elif fault == "429 for a day":
                self._send(429, b"{}", retry_after="86400")
            elif fault is not None and fault.startswith("{"):
                told = json.loads(fault)
                self._send(told.pop("status"), json.dumps({"error": told}).encode())
            elif fault is not None and fault.startswith("to "):
                self.send_response(307)
                self.send_header("location", fault.removeprefix("to "))
                self.send_header("content-length", "0")
                self.end_headers()
            else:
                self._send(int(str(fault)), b'{"error": {"message": "' + said.encode() + b'"}}')

        def _send(
            self,
            status: int,
            body: bytes,
            kind: str = "application/json",
            *,
            length: int | None = None,
            retry_after: str | None = None,
        ) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body) if length is None else length))
            if retry_after is not None:
                self.send_header("retry-after", retry_after)
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def process_request(self, request: Any, client_address: Any) -> None:
            with state.lock:
                state.connections += 1
                state.open += 1
            super().process_request(request, client_address)

        def shutdown_request(self, request: Any) -> None:
            super().shutdown_request(request)
            with state.lock:
                state.open -= 1

        def handle_error(self, *_: Any) -> None:
            """A client that was killed is no news."""

    with Quiet(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
