"""The server as a child process of a benchmark, and the environment that leads the client to it."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def running(*options: str) -> Iterator[str]:
    """The server's address, for as long as it is needed."""
    command = [sys.executable, "-m", "benchmarks.simulated_llm", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        os.environ |= {"ANTHROPIC_BASE_URL": address, "ANTHROPIC_API_KEY": "unused-by-the-simulated-server"}
        try:
            yield address
        finally:
            process.terminate()


def asked(address: str) -> int:
    """Calls that the server has seen."""
    with urllib.request.urlopen(f"{address}/control", timeout=10) as reply:
        return int(json.load(reply)["asked"])
