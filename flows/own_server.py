"""A Prefect server for one command, where no other is named: it ends with its owner, however that ends.

Prefect would start one itself, but would leave it behind when its process is killed, and a terminal's Ctrl-C would end
it before the run could say so. Run as a module it is the server: its standard input is a pipe from its owner, closed
by the kernel when the owner dies.
"""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from schemas.errors import RunError

FARE_WELL_SECONDS = 5
SERVER_ENVIRONMENT = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}


class OwnServer:
    """The server's process and address."""

    def __init__(self, environment: dict[str, str], patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed in `stop`
        # Bound here and handed over: no other process can take the port in between, and who asks early only waits.
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
            self.api_url = f"http://127.0.0.1:{listening.getsockname()[1]}/api"
            self._process = subprocess.Popen(
                [sys.executable, "-m", "flows.own_server", str(listening.fileno())],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                pass_fds=[listening.fileno()],
                start_new_session=True,  # a terminal's Ctrl-C is for its owner
            )

    def wait(self) -> None:
        """Return once it answers."""
        try:
            urllib.request.urlopen(f"{self.api_url}/health", timeout=self._patience_seconds).close()
        except OSError as exc:
            self._errors.seek(0)
            told = self._errors.read().decode("utf-8", "replace").strip().splitlines()
            raise RunError(f"Prefect's temporary server did not start: {told[-1] if told else exc}") from exc

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(FARE_WELL_SECONDS)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._errors.close()


@contextmanager
def own_server() -> Iterator[OwnServer | None]:
    """A server that is starting, and that this process will ask; None where the user's settings name another."""
    if os.environ.get("PREFECT_API_URL"):
        yield None
        return
    from prefect import settings

    if settings.PREFECT_API_URL.value() or not settings.PREFECT_SERVER_ALLOW_EPHEMERAL_MODE.value():
        yield None
        return
    given = settings.get_current_settings().to_environment_variables(exclude_unset=True)
    patience = settings.PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value()
    server = OwnServer({**os.environ, **given, **SERVER_ENVIRONMENT}, patience)
    os.environ["PREFECT_API_URL"] = server.api_url  # for threads and workers
    from tasks.artifacts import OWN_SERVER  # loads Prefect, while the server does

    os.environ[OWN_SERVER] = server.api_url
    try:
        with settings.temporary_settings({settings.PREFECT_API_URL: server.api_url}):
            yield server
    finally:
        del os.environ["PREFECT_API_URL"], os.environ[OWN_SERVER]
        server.stop()


def _end_with_owner() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _serve(descriptor: int) -> None:
    import uvicorn

    config = uvicorn.Config("prefect.server.api.server:create_app", factory=True, log_level="error", lifespan="on")
    uvicorn.Server(config).run([socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    threading.Thread(target=_end_with_owner, daemon=True).start()
    _serve(int(sys.argv[1]))
