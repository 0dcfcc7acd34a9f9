"""Fixtures for tests that run the real flow: one Prefect server a session, on loopback, with its own home."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.environment import prepare_environment

prepare_environment()

ROOT = Path(__file__).parent.parent
ECOMMERCE = ROOT / "scenarios" / "ecommerce"
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
