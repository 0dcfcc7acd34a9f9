"""A real server on loopback in its own process, whose faults each test switches."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT

KEY = "sk-ant-secret-0123456789abcdef"


class Server:
    """The test server, seen from a test."""

    def __init__(self, address: str) -> None:
        self.address = address

    def switch(self, *script: str, **told: object) -> None:
        """What happens to the next calls; forgets what was seen."""
        defaults = {"rates": {}, "proposer": {}, "latency_seconds": 0.0, "retry_after_seconds": 0.2, "key": None}
        body = json.dumps({**defaults, "slow_seconds": 2.0, "script": script, **told}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.address}/control", body), timeout=10).close()

    def seen(self) -> dict:
        """Calls asked and served by fault, and how many ran at once."""
        with urllib.request.urlopen(f"{self.address}/control", timeout=10) as reply:
            return json.load(reply)


@pytest.fixture(scope="session")
def _server() -> Iterator[Server]:
    command = [sys.executable, "-m", "benchmarks.simulated_llm"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Server(process.stdout.readline().strip())
        process.terminate()


@pytest.fixture
def server(_server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server, well and without faults, and an environment that names it."""
    for name in ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", _server.address)
    _server.switch()
    return _server
