"""The scenario as the engine uses it: checked, located, frozen. Built by `adapters.scenario_files`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from schemas.expression import Node
from schemas.prior import Prior

MARGIN_OF_ERROR_Z = 1.645
"""Margins of error are published at 90 %: standard errors are this much smaller (ACS General Handbook, chapter 7)."""

Kind = Literal["category", "integer", "number"]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable the proposer sets. Integers include both ends of [low, high]; numbers lie in [low, high)."""

    name: str
    kind: Kind
    description: str = ""
    categories: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    unit: str = ""
    prior_weights: tuple[float, ...] | None = None
    """One weight per category, or per integer from low to high."""


@dataclass(frozen=True, slots=True)
class Derived:
    """A variable computed from others; a category's expression yields codes into `categories`."""

    name: str
    kind: Kind
    expression: Node
    description: str = ""
    categories: tuple[str, ...] = ()
    low: float = -np.inf
    high: float = np.inf


@dataclass(frozen=True, slots=True)
class TextVariable:
    """Free text of a record, which replies fill and nothing else looks at: no table, rule or definition reads it."""

    name: str
    max_length: int
    description: str = ""
    examples: tuple[str, ...] = ()
    """What a record has that comes from no reply: one of them, or nothing where there are none."""


@dataclass(frozen=True, slots=True)
class Entity:
    """The root entity, or the members listed under it (`count` names the root variable that says how many)."""

    name: str
    variables: tuple[Variable, ...]
    derived: tuple[Derived, ...] = ()
    parent: str | None = None
    count: str | None = None
    description: str = ""
    texts: tuple[TextVariable, ...] = ()

    @property
    def all_variables(self) -> tuple["Variable | Derived", ...]:
        """Variables, then derived variables."""
        return (*self.variables, *self.derived)

    @property
    def asked(self) -> tuple["Variable | TextVariable", ...]:
        """What a proposer sets: variables, then texts."""
        return (*self.variables, *self.texts)

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of everything that a record holds: variables, derived variables, texts."""
        return tuple(one.name for part in (self.variables, self.derived, self.texts) for one in part)

    def find(self, name: str) -> Variable | Derived | None:
        """The variable or derived variable called `name`, if any."""
        for variable in self.variables:
            if variable.name == name:
                return variable
        return next((derived for derived in self.derived if derived.name == name), None)


@dataclass(frozen=True, slots=True)
class Rule:
    """A record is accepted if, wherever `when` holds, `then` holds."""

    name: str
    entity: str
    then: Node
    when: Node | None = None
    text: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CrosswalkRemark:
    """Lines of the crosswalk that are of no use, and why."""

    what: str
    path: str
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Zones:
    """The zone variable with its coarser levels; level 0 is the finest and bears the variable's name."""

    variable: str
    levels: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]
    """Per level, the names of its units."""
    lookup: Mapping[str, IntArray]
    """Per level, the unit of every finest zone, shape (zones,)."""
    partition_by: str
    remarks: tuple["CrosswalkRemark", ...] = ()


@dataclass(frozen=True, slots=True)
class Axis:
    """One dimension of a table: a category variable's categories, or bins [lows, highs) of a numeric one."""

    variable: str
    labels: tuple[str, ...]
    lows: FloatArray | None = None
    highs: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Records per cell, multiples of a cell's margin of error, or total variation of shares per table and zone."""

    kind: Literal["records", "share_tvd", "moe"]
    value: float


@dataclass(frozen=True, slots=True)
class TargetTable:
    """A published table. `target` has shape (units, *axes); units = 1 where no zone level is given."""

    name: str
    entity: str
    axes: tuple[Axis, ...]
    target: FloatArray
    measure: Literal["count", "share"]
    binds: Literal["count", "share"]
    tolerance: Tolerance
    zone_level: str | None = None
    universe: Node | None = None
    universe_text: str | None = None
    moe: FloatArray | None = None
    source: str | None = None
    note: str = ""
    path: str = ""
    importance: float = 1.0

    @property
    def units(self) -> int:
        """Number of zones of the table's level."""
        return int(self.target.shape[0])

    @property
    def unit_cells(self) -> int:
        """Number of cells within one zone."""
        return int(np.prod([len(axis) for axis in self.axes]))

    @property
    def cells(self) -> int:
        """Number of cells over all zones."""
        return self.units * self.unit_cells


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Which policies reconcile tables that contradict each other (`synthesis.policies` says what each does)."""

    totals: Literal["rescale", "refuse"] = "rescale"
    contradictions: Literal["nearest", "refuse"] = "nearest"
    sizes_from: str | None = None
    """The table that sets how many root records each zone has; default: the first that can."""


@dataclass(frozen=True, slots=True)
class MomentTable:
    """A published mean, total or quantile of the numeric variable `of` in every cell of `cells`.

    `cells.target` holds the published values, NaN where none was; its counts are not bound.
    """

    cells: TargetTable
    of: str
    measure: Literal["mean", "total", "quantile"]
    tolerance: float
    """Relative (means and totals), or of the share of records below the published value (quantiles)."""
    quantile: float = 0.5

    @property
    def name(self) -> str:
        """The table's name."""
        return self.cells.name


@dataclass(frozen=True, slots=True)
class Scenario:
    """A checked scenario."""

    name: str
    root: Entity
    tables: tuple[TargetTable, ...]
    member: Entity | None = None
    zones: Zones | None = None
    rules: tuple[Rule, ...] = ()
    size: int | None = None
    title: str = ""
    description: str = ""
    context: str = ""
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    fingerprint: str = ""
    reconcile: Reconcile = Reconcile()
    held_out: tuple[TargetTable, ...] = ()
    """Tables that the run does not use but is compared with."""
    prior: Prior | None = None
    moments: tuple[MomentTable, ...] = ()

    @property
    def entities(self) -> tuple[Entity, ...]:
        """The root, then its members if there are any."""
        return (self.root,) if self.member is None else (self.root, self.member)

    def entity(self, name: str) -> Entity:
        """The entity called `name`."""
        if self.member is not None and self.member.name == name:
            return self.member
        assert name == self.root.name, f"{name} was checked when the scenario was read"
        return self.root

    def variable(self, entity: str, name: str) -> Variable | Derived:
        """The variable `name` seen from `entity`: its own, or for a member the root's."""
        found = self.entity(entity).find(name) or self.root.find(name)
        assert found is not None, f"{entity}.{name} was checked when the scenario was read"
        return found
