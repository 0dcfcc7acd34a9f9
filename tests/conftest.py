"""Fixtures for tests that run the real flow: one Prefect server a session, on loopback, with its own home."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.environment import prepare_environment

prepare_environment()
# Started in the background, a shell has its commands ignore Ctrl-C, and theirs as well: the tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent
ECOMMERCE = ROOT / "scenarios" / "ecommerce"
STORE_SECRET = "wJalrXUtnFEMI-a-known-secret"
VERMONT = ROOT / "scenarios" / "vermont"


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[str]:
    """The address of a Prefect server that lives as long as the session."""
    from prefect.client.orchestration import get_client
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120), get_client(sync_client=True) as client:
        api = str(client.api_url).rstrip("/")
        os.environ["PREFECT_API_URL"] = api
        yield api
        del os.environ["PREFECT_API_URL"]


@pytest.fixture(scope="session")
def store() -> Iterator[str]:
    """A bucket on moto's server, which the environment's variables lead to."""
    from pyarrow import fs

    from adapters.object_path import filesystem

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [Path(sys.executable).with_name("moto_server"), "--host", "127.0.0.1", "--port", str(port)]
    given = {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": STORE_SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": address,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        filesystem.cache_clear()
        try:
            _wait_for_answer(address)
            fs.S3FileSystem(endpoint_override=address, allow_bucket_creation=True).create_dir("bucket")
            yield "s3://bucket"
        finally:
            server.terminate()
            server.wait()
            filesystem.cache_clear()


def _wait_for_answer(address: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{address}/moto-api/", timeout=10).close()
            return
        assert time.monotonic() < deadline, "the server does not answer"
        time.sleep(0.1)
