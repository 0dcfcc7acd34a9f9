"""Whether the workers of an existing cluster can do the run's batches: asked once, before the first one."""

import socket
from collections.abc import Iterable, Mapping
from contextlib import closing
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from distributed import Client
from prefect.settings import PREFECT_API_URL

from schemas.errors import UserError

PACKAGES = ("synthor", "numpy", "scipy", "pyarrow")
"""They decide the bytes of the records."""
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
Found = Mapping[str, Mapping[str, str | bool | None]]


def check_workers(client: Client, root: str) -> None:
    """Raise UserError for a worker that has other versions, does not see the run folder or cannot reach Prefect.

    Args:
        client: connected to the cluster
        root: the run folder, a path or an s3:// address
    """
    found = client.run(_asked_of_a_worker(PACKAGES, None if root.startswith("s3://") else root))
    judge_workers(found, root, {package: version(package) for package in PACKAGES})
    check_server(str(PREFECT_API_URL.value() or ""), found)


def judge_workers(found: Found, root: str, versions: Mapping[str, str]) -> None:
    """Raise UserError for the first worker whose answers do not do."""
    for address, answers in sorted(found.items()):
        for package, wanted in versions.items():
            if answers[package] != wanted:
                there = answers[package] or "none"
                raise UserError(f"worker {address} has {package} {there}, the flow {wanted}: install the same on both")
        if not answers["sees_run"]:
            raise UserError(f"worker {address} does not see {root}: --out is a folder that all workers share, or s3://")


def check_server(api: str, workers: Iterable[str]) -> None:
    """Raise UserError where workers of other hosts are told of a Prefect server on this host's loopback."""
    if urlsplit(api).hostname in LOOPBACK:
        others = sorted(host for host in map(_host, workers) if not _is_this_machine(host))
        if others:
            raise UserError(
                f"workers on {others[0]} cannot reach the Prefect server at {api}: set PREFECT_API_URL to the address "
                "of one that they reach"
            )


def _host(address: str) -> str:
    return urlsplit(address).hostname or ""


def _is_this_machine(host: str) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
        try:
            probe.bind((host, 0))  # a machine can bind to its own addresses alone
        except OSError:
            return False
    return True


def _asked_of_a_worker(packages: tuple[str, ...], root: str | None) -> Any:
    # A function inside a function travels by value: a worker without synthor can answer it as well.
    def answer() -> dict[str, str | bool | None]:
        from importlib import metadata
        from pathlib import Path

        found: dict[str, str | bool | None] = {"sees_run": root is None or Path(root).is_dir()}
        for package in packages:
            try:
                found[package] = metadata.version(package)
            except metadata.PackageNotFoundError:
                found[package] = None
        return found

    return answer
