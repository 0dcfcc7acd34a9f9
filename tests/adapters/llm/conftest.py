"""The test server, for every test here."""

from tests.llm_server import _server, server

__all__ = ["_server", "server"]
