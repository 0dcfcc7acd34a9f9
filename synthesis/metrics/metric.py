"""What a metric is: a name, bounds, and which end of them is good."""

import math
from dataclasses import dataclass
from typing import Literal

Direction = Literal["lower is better", "higher is better", "nearer to best is better"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A declared metric. `best` is what perfect records score; None: whatever the reference itself does."""

    name: str
    title: str
    low: float
    high: float
    best: float | None
    direction: Direction = "lower is better"
    is_symmetric: bool = False
    """Whether swapping synthetic and reference leaves the score alone."""
    note: str = ""

    def declaration(self) -> dict[str, object]:
        """The declaration as plain JSON; an infinite bound is None."""
        low, high = (bound if math.isfinite(bound) else None for bound in (self.low, self.high))
        return {
            "title": self.title,
            "bounds": [low, high],
            "best": self.best,
            "direction": self.direction,
            "symmetric": self.is_symmetric,
            "note": self.note,
        }
