"""What an update kept, added and retired, for the report."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.report_numbers import plural, write_count

SHOWN_ZONES = 200


@dataclass(frozen=True, slots=True)
class Churn:
    """One sentence, and the zones with most retired records first."""

    sentence: str
    zones: tuple[Mapping[str, Any], ...]
    left_out: int


def read_churn(record: Mapping[str, Any]) -> Churn | None:
    """The churn of an update; None of a run, or where nothing is known yet."""
    update = record.get("update") or {}
    if "retired" not in update:
        return None
    zones = sorted(update["zones"], key=lambda zone: (-zone["retired"], -zone["added"]))
    partitions = plural(update["partitions_touched"], "partition"), plural(update["partitions_kept"], "partition")
    sentence = (
        f"Of the run {update['base']}, {write_count(update['kept'])} records were kept and "
        f"{write_count(update['retired'])} retired; {write_count(update['added'])} were added. "
        f"{partitions[0]} changed, {partitions[1]} kept their files byte for byte."
    )
    return Churn(sentence, tuple(zones[:SHOWN_ZONES]), max(len(zones) - SHOWN_ZONES, 0))
