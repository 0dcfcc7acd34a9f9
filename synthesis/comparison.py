"""Two sets of records that can be compared: cut to the variables both have, sampled, resampled and split."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.errors import MetricError
from schemas.expression import Node
from schemas.model import Derived, Entity, Scenario, Variable
from synthesis.evaluation import columns, evaluate
from synthesis.metrics.fixed_bins import DEFAULT_BINS
from synthesis.randomness import keyed_rng
from synthesis.records import Array, Records

_SAMPLE, _RESAMPLE, _SPLIT, _MATCH, _MODEL = range(5)


@dataclass(frozen=True, slots=True)
class ComparisonSettings:
    """What shapes the figures besides the records."""

    random_seed: int = 0
    resamples: int = 20
    bins: int = DEFAULT_BINS
    max_records: int = 100_000


@dataclass(frozen=True, slots=True)
class Comparison:
    """Synthetic and reference records of one scenario; both hold the same columns."""

    scenario: Scenario
    synthetic: Records
    reference: Records
    absent: tuple[str, ...]
    """Variables that the reference lacks, as `entity.variable`."""
    settings: ComparisonSettings

    def names(self, entity: Entity, with_derived: bool = False) -> list[str]:
        """The entity's variables (and derived ones) that both sides have."""
        held = self.reference.members if entity is self.scenario.member else self.reference.root
        known = entity.all_variables if with_derived else entity.variables
        return [variable.name for variable in known if variable.name in held]

    @property
    def entities(self) -> tuple[Entity, ...]:
        """The entities that the reference has records of."""
        return self.scenario.entities if self.reference.members else (self.scenario.root,)

    def rng(self, *key: int) -> np.random.Generator:
        """The generator of a model or sample, keyed by what it is for."""
        return keyed_rng(self.settings.random_seed, "evaluate", _MODEL, *key)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Synthetic records and both halves of the reference, all of one number of root records."""

    synthetic: Records
    first: Records
    second: Records


def compare(scenario: Scenario, synthetic: Records, reference: Records, settings: ComparisonSettings) -> Comparison:
    """The comparison; whoever has more root records than the settings allow is sampled."""
    absent = [
        f"{entity.name}.{variable.name}"
        for entity in scenario.entities
        for variable in entity.variables
        if variable.name not in (reference.members if entity is scenario.member else reference.root)
    ]
    sides = (_with_derived(scenario, part) for part in (_restricted(synthetic, reference), reference))
    left, right = (_sampled(side, key, settings) for key, side in enumerate(sides))
    return Comparison(scenario, left, right, tuple(absent), settings)


def _sampled(records: Records, key: int, settings: ComparisonSettings) -> Records:
    if records.count <= settings.max_records:
        return records
    rng = keyed_rng(settings.random_seed, "evaluate", _SAMPLE, key)
    return records.take(np.sort(rng.choice(records.count, settings.max_records, replace=False)))


def resampled_pairs(comparison: Comparison) -> Iterator[tuple[Records, Records]]:
    """Pairs of bootstrap samples of the reference, as large as the synthetic records and the reference are.

    What a metric says of them is what it would say of records as good as another sample from the same population.
    """
    reference = comparison.reference
    for i in range(comparison.settings.resamples):
        rng = keyed_rng(comparison.settings.random_seed, "evaluate", _RESAMPLE, i)
        sizes = comparison.synthetic.count, reference.count
        left, right = (reference.take(rng.integers(0, reference.count, size)) for size in sizes)
        yield left, right


def hold_out(comparison: Comparison, most: int) -> HeldOut:
    """Disjoint halves of the reference and as many synthetic root records, at most `most` each."""
    size = min(comparison.reference.count // 2, comparison.synthetic.count, most)
    if size < 1:
        raise MetricError("the reference has fewer than two records")
    seed = comparison.settings.random_seed
    order = keyed_rng(seed, "evaluate", _SPLIT).permutation(comparison.reference.count)
    drawn = keyed_rng(seed, "evaluate", _MATCH).choice(comparison.synthetic.count, size, replace=False)
    halves = (comparison.reference.take(np.sort(order[i * size : (i + 1) * size])) for i in range(2))
    return HeldOut(comparison.synthetic.take(np.sort(drawn)), *halves)


def can_read(node: Node | None, scenario: Scenario, records: Records) -> bool:
    """Whether the records have every column that the expression reads."""
    return node is None or all(
        column.variable in (records.root if column.entity == scenario.root.name else records.members)
        for column in columns(node)
    )


def variables_of(scenario: Scenario, entity: Entity, names: Sequence[str]) -> list[Variable | Derived]:
    """The variables called `names`, as seen from the entity."""
    return [scenario.variable(entity.name, name) for name in names]


def _restricted(records: Records, like: Records) -> Records:
    root = {name: column for name, column in records.root.items() if name in like.root}
    if not like.members:
        return Records(records.count, root)
    members = {name: column for name, column in records.members.items() if name in like.members}
    return Records(records.count, root, members, records.parent)


def _with_derived(scenario: Scenario, records: Records) -> Records:
    """The records with every derived variable whose columns are there, members' first."""
    for entity in reversed(scenario.entities):
        of_members = entity is scenario.member
        if of_members and not records.members:
            continue
        for derived in entity.derived:
            if can_read(derived.expression, scenario, records):
                column = _derived_column(derived, records, of_members)
                root = records.root if of_members else {**records.root, derived.name: column}
                members = {**records.members, derived.name: column} if of_members else records.members
                records = Records(records.count, root, members, records.parent)
    return records


def _derived_column(derived: Derived, records: Records, of_members: bool) -> Array:
    value = np.asarray(evaluate(derived.expression, records, of_members))
    dtype = {"category": np.int16, "integer": np.int64, "number": np.float64}[derived.kind]
    return np.broadcast_to(value, (records.member_count if of_members else records.count,)).astype(dtype)
