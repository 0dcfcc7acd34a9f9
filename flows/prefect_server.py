"""A Prefect server of a run's own, where the user has none: started ahead, it comes up while the flow is imported.

Prefect starts one by itself, but only when the flow is called, and imports the whole server into the flow's process to
do so. Here it is a process in a session of its own, so that Ctrl-C leaves it to the flow to note its end there, and it
watches its standard input, which closes when the process that started it is gone.
"""

import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from schemas.errors import SynthorError

T = TypeVar("T")

PORTS = range(8000, 9000)
PORT_TAKEN = 3
"""Exit code of uvicorn where it cannot start, such as when another process took the port."""
POLL_SECONDS = 0.05
STOP_SECONDS = 5
SERVE = """
import os, sys, threading
def leave_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)
threading.Thread(target=leave_with_parent, daemon=True).start()
import uvicorn
uvicorn.run("prefect.server.api.server:create_app", factory=True, host="127.0.0.1", port=int(sys.argv[1]),
            log_level="error", lifespan="on")
"""


class PrefectServer:
    """The server's process; starting it does not wait until it answers."""

    def __init__(self) -> None:
        self._process, self._port = _start()

    @property
    def api_url(self) -> str:
        """The address of its API."""
        return f"http://127.0.0.1:{self._port}/api"

    def wait(self) -> None:
        """Return once it answers."""
        from prefect.settings import PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS as PATIENCE

        deadline = time.monotonic() + PATIENCE.value()
        while time.monotonic() < deadline:
            if self._process.poll() == PORT_TAKEN:
                self._process, self._port = _start()
            with suppress(OSError), urllib.request.urlopen(f"{self.api_url}/health", timeout=10):
                return
            time.sleep(POLL_SECONDS)
        raise SynthorError(f"{self.api_url}: Prefect's server did not start within {PATIENCE.value()} s")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()


@contextmanager
def serving(load: Callable[[], T]) -> Iterator[T]:
    """What `load` returns, called while the server comes up; flows called in the block find it.

    No server is started where PREFECT_API_URL, or a profile of Prefect's, names one.
    """
    from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_ALLOW_EPHEMERAL_MODE, temporary_settings

    if PREFECT_API_URL.value() is not None or not PREFECT_SERVER_ALLOW_EPHEMERAL_MODE.value():
        yield load()
        return
    server = PrefectServer()
    try:
        loaded = load()
        from tasks.artifacts import OWN_SERVER

        server.wait()
        os.environ[OWN_SERVER] = server.api_url
        with temporary_settings({PREFECT_API_URL: server.api_url}):
            yield loaded
    finally:
        server.stop()


def _start() -> "tuple[subprocess.Popen[bytes], int]":
    from prefect.settings import get_current_settings

    port = _free_port()
    given = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
    settings = get_current_settings().to_environment_variables(exclude_unset=True)
    command = [sys.executable, "-c", SERVE, str(port)]
    environment = {**os.environ, **given, **settings}
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, start_new_session=True), port


def _free_port() -> int:
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise SynthorError(f"Prefect's server needs a free port from {PORTS[0]} to {PORTS[-1]}: there is none")
