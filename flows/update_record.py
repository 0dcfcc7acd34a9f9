"""An update's book: as a run's, with what was kept, added and retired."""

from collections.abc import Mapping

from flows.record import RunBook
from schemas.batch import BatchSpec, Receipt
from schemas.model import IntArray
from synthesis.churn import churn_of
from tasks.merge import Merged
from tasks.open_update import Opened


class UpdateBook(RunBook):
    """Keeps an update's run.json true at every step."""

    def __init__(self, opened: Opened, started: float) -> None:
        super().__init__(opened.context, started)
        self._opened = opened

    def inherited(self, kept: Mapping[str, int], records: int) -> None:
        """What is not touched is there: so many root records."""
        self._artifacts.add(records)
        self.run["update"] |= {
            "files_kept": kept["files"],
            "partitions_kept": kept["partitions"],
            "partitions_touched": kept["touched_partitions"],
        }
        self._folder.write_run(self.run)
        self._log("inherited", **kept)

    def batch_committed(self, spec: BatchSpec, receipt: Receipt) -> None:
        """A batch is on disk; what it kept is there as well."""
        super().batch_committed(spec, receipt)
        self._artifacts.add(spec.records - receipt.records)

    def _count(self, merged: Merged, fraction: float, pending: IntArray) -> None:
        """Records are those of base and update; what was drawn and rejected is of the update alone."""
        super()._count(merged, fraction, pending)
        own = [commit for commit in merged.commits if commit["batch_id"] >= self._opened.first_batch]
        drawn, rejected = sum(c["drawn"] for c in own), sum(c["rejected"] for c in own)
        rejections: dict[str, int] = {}
        for commit in own:
            for rule, count in commit["rejections"].items():
                rejections[rule] = rejections.get(rule, 0) + count
        self.run |= {"drawn": drawn, "accepted": drawn - rejected, "rejected": rejected, "rejections": rejections}
        churn = churn_of(self._context.scenario, self._opened.counts, merged.counts, own)
        self.run["update"] |= churn
        self._log("churn", **{name: value for name, value in churn.items() if name != "zones"})
