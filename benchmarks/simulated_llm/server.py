"""The server: `POST /v1/messages` and `/v1/messages/count_tokens` over real HTTP on loopback, with switchable faults.

`GET /control` tells what was asked so far, `POST /control` switches: `{"script": ["429", "ok"]}` for the next calls in
their order, `{"rates": {"529": 0.2}}` for all others.
"""

import io
import json
import socket
import struct
import sys
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import numpy as np

from benchmarks.simulated_llm.proposer import SimulatedProposer

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}
FAULTS = (
    *(str(status) for status in ERROR_TYPES),
    "429-retry-after",  # with a retry-after of `retry_after_seconds`
    "429-decades",  # with one of thirty years
    "echo",  # 400 that repeats the request's headers in its message
    "schema",  # 400 "compiled grammar is too large", as long as a schema is to be enforced
    "slow",  # `slow_seconds` before the answer
    "reset",  # half of the body, then the connection is reset
    "malformed",  # 200 with half of the JSON
    "html",  # 200 with a web page
    "wrong-shape",  # 200 with JSON that is no message
    "refusal",  # stop_reason refusal
    "empty",  # no content
    "cut",  # stop_reason max_tokens, in the middle of a proposal
    "prose",  # a text without JSON
    "not-a-list",  # JSON of another shape
)


@dataclass
class State:
    """What the server was told, and what it has seen."""

    proposer: SimulatedProposer
    rates: dict[str, float] = field(default_factory=dict)
    script: deque[str] = field(default_factory=deque)
    slow_seconds: float = 2.0
    latency_seconds: float = 0.0
    retry_after_seconds: float = 0.2
    key: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    served: Counter[str] = field(default_factory=Counter)
    running: int = 0
    most_running: int = 0
    asked: int = 0
    times: list[float] = field(default_factory=list)

    def next_fault(self) -> str:
        """What happens to the next call."""
        with self.lock:
            self.asked += 1
            self.times.append(round(time.monotonic(), 4))
            if self.script:
                return self.script.popleft()
            names = list(self.rates)
            rng = np.random.default_rng([self.proposer.random_seed, self.asked])
            drawn = rng.random()
            for name in names:
                drawn -= self.rates[name]
                if drawn < 0:
                    return name
            return "ok"


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # unbuffered writes wait for delayed acknowledgements, 40 ms each
    state: ClassVar[State]

    def do_GET(self) -> None:
        """Tell what was seen."""
        state = self.state
        with state.lock:
            told = {"asked": state.asked, "served": state.served, "most_running": state.most_running}
            told["times"] = list(state.times)
        self._send(200, told)

    def do_POST(self) -> None:
        """Answer a message, count tokens, or be told how to."""
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"null")
        if body is None:  # whoever asked has gone
            self.close_connection = True
        elif self.path == "/control":
            self._control(body)
        elif self.path.startswith("/v1/messages/count_tokens"):
            self._send(200, {"input_tokens": count_tokens(body)})
        elif self.path.startswith("/v1/messages"):
            self._message(body)
        else:
            self._error(404, "no such path")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _control(self, told: dict[str, Any]) -> None:
        state = self.state
        with state.lock:
            if "script" in told:
                state.script = deque(told["script"])
            if "rates" in told:
                state.rates = dict(told["rates"])
            if "proposer" in told:
                state.proposer = SimulatedProposer(**told["proposer"])
            for name in ("slow_seconds", "latency_seconds", "retry_after_seconds", "key"):
                if name in told:
                    setattr(state, name, told[name])
            state.asked, state.most_running = 0, 0
            state.served.clear()
            state.times.clear()
        self._send(200, {})

    def _message(self, body: dict[str, Any]) -> None:
        state = self.state
        fault = state.next_fault()
        with state.lock:
            state.running += 1
            state.most_running = max(state.most_running, state.running)
        try:
            time.sleep(state.latency_seconds)
            self._answer(body, fault)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with state.lock:
                state.running -= 1
                state.served[fault] += 1

    def _answer(self, body: dict[str, Any], fault: str) -> None:
        given = self.headers.get("x-api-key") or self.headers.get("authorization", "").removeprefix("Bearer ")
        if not given or (self.state.key is not None and given != self.state.key):
            return self._error(401, "invalid x-api-key")
        is_structured = "format" in (body.get("output_config") or {})
        if fault == "schema" and is_structured:
            return self._error(400, "output_config.format.schema: The compiled grammar is too large")
        if fault == "echo":
            told = {name: text for name, text in self.headers.items() if name.lower() not in ("host", "user-agent")}
            told = {name: text for name, text in told.items() if not name.lower().startswith(("x-stainless", "accept"))}
            return self._error(400, f"bad request with headers {told}")
        status, _, extra = fault.partition("-")
        if status.isdigit():
            seconds = {"retry": self.state.retry_after_seconds, "decades": 1e9}.get(extra.partition("-")[0])
            return self._error(int(status), f"simulated {status}", seconds)
        if fault == "slow":
            time.sleep(self.state.slow_seconds)
        message = self._compose(body, fault, is_structured)
        payload = json.dumps(message).encode()
        if fault == "reset":
            return self._reset(payload)
        if fault == "malformed":
            payload = payload[: len(payload) // 2]
        if fault == "html":
            return self._raw(200, b"<html><body>gateway</body></html>", "text/html")
        return self._raw(200, payload)

    def _compose(self, body: dict[str, Any], fault: str, is_structured: bool) -> dict[str, Any]:
        text = self.state.proposer.answer(read_prompt(body), is_fenced=not is_structured)
        reason = "end_turn"
        if fault == "cut" or len(text) // 4 > body["max_tokens"]:
            text, reason = text[: min(len(text) * 3 // 5, body["max_tokens"] * 4)], "max_tokens"
        if fault == "prose":
            text = "I would rather not write JSON today, but a young population seems plausible."
        if fault == "not-a-list":
            text = '{"proposals": {"first": 1}}'
        content = [] if fault in ("refusal", "empty") else [{"type": "text", "text": text}]
        if fault == "wrong-shape":
            return {"ok": True, "choices": [{"message": {"content": text}}]}
        usage = {"input_tokens": count_tokens(body), "output_tokens": len(text) // 4 + 1}
        usage |= {"cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
        return {
            "id": f"msg_simulated_{self.state.asked}",
            "type": "message",
            "role": "assistant",
            "model": "simulated-proposer",
            "content": content,
            "stop_reason": "refusal" if fault == "refusal" else reason,
            "stop_sequence": None,
            "usage": usage,
        }

    def _error(self, status: int, message: str, retry_after: float | None = None) -> None:
        error = {"type": ERROR_TYPES.get(status, "api_error"), "message": message}
        headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
        self._send(status, {"type": "error", "error": error}, headers)

    def _send(self, status: int, content: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._raw(status, json.dumps(content).encode(), "application/json", headers)

    def _raw(
        self, status: int, payload: bytes, kind: str = "application/json", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(payload)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)
        self.wfile.flush()

    def _reset(self, payload: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload[: len(payload) // 2])
        self.wfile.flush()
        # To linger for no time makes the close a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for part in (self.rfile, self.wfile, self.connection):
            part.close()
        self.close_connection = True
        self.wfile = io.BytesIO()  # the base class flushes it once more


def read_prompt(body: dict[str, Any]) -> str:
    """All text of a request."""
    system = body.get("system") or []
    texts = [system] if isinstance(system, str) else [block["text"] for block in system]
    for message in body.get("messages", ()):
        content = message["content"]
        texts += [content] if isinstance(content, str) else [block["text"] for block in content]
    return "\n".join(texts)


def count_tokens(body: dict[str, Any]) -> int:
    """Four characters each."""
    return len(read_prompt(body)) // 4 + 1


def make_server(state: State, port: int = 0) -> ThreadingHTTPServer:
    """A server on loopback that is not serving yet; port 0 takes a free one."""
    handler = type("BoundHandler", (Handler,), {"state": state})
    return _Server(("127.0.0.1", port), handler)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gives up is no error of the server's."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
