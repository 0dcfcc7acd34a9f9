"""How far a run is, told from its log.jsonl while it goes on, on a terminal only."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Event = Mapping[str, Any]
REFRESHES_PER_SECOND = 5


@dataclass(slots=True)
class Progress:
    """What the events so far add up to: finished stages, and the one going on."""

    entities: Sequence[str] = ("records",)
    stage: str = "starting Prefect"
    finished: list[str] = field(default_factory=list)
    round: int = 0
    batches: int = 0
    done: int = 0
    reused: int = 0
    records: int = 0
    members: int = 0
    worst: str = ""

    def apply(self, event: Event) -> None:
        """Take one event of log.jsonl into account; unknown ones change nothing."""
        name = event.get("event")
        if name == "run_started":
            self.stage = "starting the workers"
        elif name == "cluster_ready":
            self._finish(f"{event.get('workers') or 'Dask'} workers ready", "planning round 1")
        elif name == "round_started":
            self.round, self.batches = int(event["round"]), int(event["batches"])
            self.done, self.stage = 0, f"round {self.round}"
        elif name == "batch_committed":
            self._count(event)
        elif name == "round_merged":
            self._merge(event)
        elif name == "validation_started":
            self.stage = "validating"
        elif name == "validation_finished":
            verdict = f"{event.get('failed')} failed" if event.get("failed") else "all met"
            self._finish(f"validated: {event.get('evaluated')} expectations, {verdict}", "publishing")
        elif name == "published":
            self._finish("published", "writing the report")
        elif name == "run_failed":
            self.stage = "stopping"
        elif name == "report_written":
            self.stage = ""

    @property
    def is_drawing(self) -> bool:
        """Whether a round is going on."""
        return self.stage.startswith("round ")

    def counts(self) -> str:
        """`260,029 household records, 593,911 person records`."""
        parts = [f"{self.records:,} {self.entities[0]} records"]
        if len(self.entities) > 1:
            parts.append(f"{self.members:,} {self.entities[1]} records")
        return ", ".join(parts)

    def _count(self, event: Event) -> None:
        self.done += 1
        self.reused += bool(event.get("reused"))
        self.records += int(event.get("records") or 0)
        self.members += int(event.get("members") or 0)

    def _merge(self, event: Event) -> None:
        worst = event.get("worst_cell") or {}
        if worst:
            place = " ".join(str(worst[key]) for key in ("table", "zone", "cell") if worst.get(key))
            self.worst = f"; worst so far: {place} by {worst['discrepancy']:+,.1f}"
        tvd = f", mean TVD {event['mean_tvd']:.5f}" if event.get("mean_tvd") is not None else ""
        kept = f" ({self.reused} kept from before)" if self.reused else ""
        self._finish(f"round {self.round}: {self.done} batches{kept}, {self.counts()}{tvd}", "weighing the round")

    def _finish(self, line: str, following: str) -> None:
        self.finished.append(line)
        self.stage = following


class LogFollower:
    """The events appended to a log.jsonl after this object was made."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size if path.exists() else 0

    def read(self) -> list[Event]:
        """New events; a line still being written is left for the next time."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            complete = file.read().rpartition(b"\n")[0]
        if not complete:
            return []
        self._offset += len(complete) + 1
        return [event for line in complete.splitlines() for event in _parse(line)]


def _parse(line: bytes) -> list[Event]:
    try:
        event = json.loads(line)
    except ValueError:
        return []
    return [event] if isinstance(event, dict) else []


class ProgressDisplay:
    """A live display below the prompt while a run goes on; its stages stay on the screen."""

    def __init__(self, run: Path, entities: Sequence[str], console: "Console") -> None:
        from rich.live import Live
        from rich.spinner import Spinner

        self._follower, self._progress = LogFollower(run / "log.jsonl"), Progress(entities)
        self._began = time.monotonic()
        self._spinner = Spinner("dots")
        # rich draws from a thread of its own, and asks for the picture there
        self._live = Live(get_renderable=self.draw, console=console, refresh_per_second=REFRESHES_PER_SECOND)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stage = ""
        self._live.__exit__(kind, error, trace)

    def draw(self) -> "RenderableType":
        """The finished stages, then the one going on."""
        from rich.console import Group
        from rich.padding import Padding

        for event in self._follower.read():
            self._progress.apply(event)
        lines: list[RenderableType] = [_one_line(f"✓ {line}") for line in self._progress.finished]
        if self._progress.stage:
            lines.append(self._draw_stage())
        if self._progress.is_drawing:
            lines.append(_one_line(f"  {self._progress.counts()}{self._progress.worst}"))
        # room for the ^C that a terminal echoes: on a full line it would shift the display
        return Padding(Group(*lines), (0, 3, 0, 0))

    def _draw_stage(self) -> "RenderableType":
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        now = self._progress
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        cells: list[RenderableType] = [self._spinner, now.stage]
        if now.is_drawing:
            bar = ProgressBar(total=max(now.batches, 1), completed=now.done, width=20)
            cells += [bar, f"{now.done}/{now.batches} batches"]
        grid = Table.grid(padding=(0, 1))
        grid.add_row(*cells, f"{minutes}:{seconds:02d}")
        return grid


def _one_line(text: str) -> "RenderableType":
    from rich.text import Text

    return Text(text, no_wrap=True, overflow="ellipsis")
