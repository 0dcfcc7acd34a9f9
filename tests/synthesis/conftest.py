"""Forests of few trees: what is tested does not depend on their number."""

import pytest

from synthesis.metrics import c2st, utility


@pytest.fixture(autouse=True)
def _small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c2st, "TREES", 20)
    monkeypatch.setattr(utility, "TREES", 20)
