"""What a model's tokens cost, in US dollars per million."""

from dataclasses import dataclass
from types import MappingProxyType

from schemas.exchange import Usage
from schemas.settings import RunSettings

PRICES_DATE = "2026-11-22"
"""The day the list was compared with the published one; it changes, and settings override it."""
CACHE_WRITE_FACTOR = 1.25


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens, by kind. Prompts above `long_tokens` cost `long_factor` times as much."""

    input: float
    output: float
    cache_read: float
    cache_write: float
    source: str = f"price list of {PRICES_DATE}"
    long_tokens: int | None = None
    long_factor: float = 1.0

    def cost(self, usage: Usage) -> float:
        """US dollars of one call."""
        prompt = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
        factor = self.long_factor if self.long_tokens is not None and prompt > self.long_tokens else 1.0
        parts = (
            usage.input_tokens * self.input
            + usage.output_tokens * self.output
            + usage.cache_read_tokens * self.cache_read
            + usage.cache_write_tokens * self.cache_write
        )
        return factor * parts / 1e6


PRICES = MappingProxyType(
    {
        "claude-fable-5-1": Price(10.0, 50.0, 0.25, 12.5),
        "claude-opus-5-5": Price(4.0, 20.0, 0.2, 5.0),
        "claude-opus-5": Price(5.0, 25.0, 0.5, 6.25),
        "claude-sonnet-5-5": Price(2.0, 10.0, 0.1, 2.5),
        "claude-sonnet-5": Price(2.0, 10.0, 0.2, 2.5),
        "claude-sonnet-4-6": Price(3.0, 15.0, 0.3, 3.75),
        "claude-haiku-5-5": Price(0.1, 0.5, 0.01, 0.125, long_tokens=100_000, long_factor=5.0),
        "claude-haiku-4-5": Price(1.0, 5.0, 0.1, 1.25),
    }
)


def price_of(settings: RunSettings) -> Price | None:
    """The price in the settings, or else the list's, or None where nobody has said one."""
    given, output = settings.usd_per_million_input, settings.usd_per_million_output
    if given is None or output is None:
        return PRICES.get(settings.model)
    read, write = settings.usd_per_million_cache_read, settings.usd_per_million_cache_write
    return Price(
        given,
        output,
        given if read is None else read,
        given * CACHE_WRITE_FACTOR if write is None else write,
        "settings",
    )
