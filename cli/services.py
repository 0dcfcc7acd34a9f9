"""The servers that a run is told to use: asked before anything is written, and named when they do not answer."""

import socket
from urllib.parse import urlsplit

from schemas.errors import UserError

TIMEOUT_SECONDS = 10.0


def check_dask(address: str | None) -> None:
    """Refuse a scheduler address that nothing listens at."""
    if address is None:
        return
    try:
        place = urlsplit(address)
        host, port = place.hostname, place.port
    except ValueError:
        host, port = None, None
    if host is None or port is None:
        raise UserError(f"--dask {address}: not an address, expected one such as tcp://127.0.0.1:8786")
    try:
        socket.create_connection((host, port), TIMEOUT_SECONDS).close()
    except OSError as exc:
        raise UserError(f"--dask {address}: no scheduler answers there ({exc.strerror or exc})") from exc


def is_unreachable_prefect(error: BaseException) -> bool:
    """Whether Prefect did not find the server that PREFECT_API_URL or a profile names."""
    return isinstance(error, RuntimeError) and str(error).startswith("Failed to reach API at")


def unreachable_prefect(error: BaseException) -> UserError:
    """The same, for the user."""
    address = str(error).split(" at ", 1)[1].rstrip(".")
    return UserError(f"{address}: no Prefect server answers there, expected one, or PREFECT_API_URL not to be set")
