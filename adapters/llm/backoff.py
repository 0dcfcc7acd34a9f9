"""How long to wait before another attempt."""

import random

BASE_SECONDS = 0.5


def backoff_seconds(attempt: int, cap_seconds: float, retry_after_seconds: float | None, jitter: float) -> float:
    """Doubling from half a second, shortened by up to half by `jitter` in [0, 1), and never above the cap.

    What the server asks for is a floor, up to the cap; jitter comes on top so that not all come back at once.
    """
    wait = min(BASE_SECONDS * 2.0 ** min(attempt - 1, 30), cap_seconds) * (1 - jitter / 2)
    if retry_after_seconds is None:
        return wait
    return min(max(retry_after_seconds * (1 + jitter / 10), wait), cap_seconds)


def draw_jitter() -> float:
    """Unseeded on purpose: it decides when a call is made, never what is made of its reply."""
    return random.random()
