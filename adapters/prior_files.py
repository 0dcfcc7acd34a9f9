"""A scenario's `prior/` folder, read and checked: every *.yaml file in it, in the order of their names."""

import keyword
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters.prior_document import PriorDocument
from adapters.prior_settings import At, difference_of, read_distribution
from schemas.errors import ScenarioError
from schemas.expression import Column, Node
from schemas.model import Entity, Variable, Zones
from schemas.prior import (
    PREVIOUS,
    ROLE,
    Archetype,
    Difference,
    Distribution,
    MemberPart,
    Prior,
    PriorSource,
    Relation,
    SameAs,
    Setting,
)
from schemas.prior_file import ArchetypeSpec, DifferenceSpec, MemberSpec, RelationSpec, SameSpec
from synthesis.distributions import bounds
from synthesis.expressions import Scope, nearest

FOLDER = "prior"
MAX_ITEMS = 1000


def prior_files(folder: Path) -> list[Path]:
    """The files that make up the prior of a scenario folder."""
    return sorted(path for path in (folder / FOLDER).glob("*.yaml") if path.is_file())


def read_prior(folder: Path, root: Entity, member: Entity | None, zones: Zones | None) -> Prior | None:
    """The checked prior of a scenario folder, None where it has none."""
    documents = [PriorDocument(path) for path in prior_files(folder)]
    if not documents:
        return None
    readers = [_Reader(document, i, root, member, zones, documents) for i, document in enumerate(documents)]
    role_variable = readers[0].role_variable()
    archetypes = [archetype for reader in readers for archetype in reader.archetypes()]
    total = sum(archetype.share for archetype in archetypes)
    return Prior(
        roles=tuple(readers[0].roles),
        role_variable=role_variable,
        archetypes=tuple(replace(archetype, share=archetype.share / total) for archetype in archetypes),
        relations=tuple(relation for reader in readers for relation in reader.relations()),
        sources=tuple(_source(document) for document in documents),
    )


def _source(document: PriorDocument) -> PriorSource:
    spec = document.spec
    date = spec.date.isoformat()
    return PriorSource(document.name, spec.author, date, spec.model, spec.prompt_version, spec.description)


class _Reader:
    """One file against the entities; all files share their roles."""

    def __init__(
        self,
        document: PriorDocument,
        index: int,
        root: Entity,
        member: Entity | None,
        zones: Zones | None,
        documents: Sequence[PriorDocument],
    ) -> None:
        self.document, self.spec, self.index = document, document.spec, index
        self.root, self.member, self.zones, self.documents = root, member, zones, documents
        named = (m.role for d in documents for a in d.spec.archetypes for m in a.members)
        self.roles = list(dict.fromkeys(named))

    def error(self, message: str, *at: str | int) -> ScenarioError:
        return self.document.error(message, *at)

    def role_variable(self) -> str | None:
        name = self.spec.role_variable
        if any(document.spec.role_variable != name for document in self.documents):
            raise self.error("expected the same role_variable in every file of the folder", "role_variable")
        if name is None:
            return None
        variable = self.variable(self.member, name, ("role_variable",))
        if variable.kind != "category":
            raise self.error(f"{name} is of type {variable.kind}, expected a category", "role_variable")
        for role in self.roles:
            if role not in variable.categories:
                message = f"role {role!r} is no category of {name}{nearest(role, variable.categories)}"
                raise self.error(message, "role_variable")
        return name

    def archetypes(self) -> list[Archetype]:
        specs = self.spec.archetypes
        if len(specs) > MAX_ITEMS:
            raise self.error(f"{len(specs)} archetypes, expected at most {MAX_ITEMS}", "archetypes")
        earlier = {a.name for document in self.documents[: self.index] for a in document.spec.archetypes}
        for i, spec in enumerate(specs):
            if spec.name in earlier:
                raise self.error(f"an archetype named {spec.name!r} exists already", "archetypes", i, "name")
            earlier.add(spec.name)
        factor = float(self.spec.weight) / sum(spec.share for spec in specs)
        return [self.archetype(spec, factor, ("archetypes", i)) for i, spec in enumerate(specs)]

    def archetype(self, spec: ArchetypeSpec, factor: float, at: At) -> Archetype:
        if spec.members and self.member is None:
            raise self.error("the scenario has no member entity, expected values only", *at, "members")
        listed = {self.member.count} if spec.members and self.member is not None else set()
        for name in spec.values:
            if name in listed:
                raise self.error("this is the number of members listed, expected it left out", *at, "values", name)
        members = tuple(self.part(member, (*at, "members", i)) for i, member in enumerate(spec.members))
        self.check_number(members, at)
        when = None if spec.when is None else self.document.parse(spec.when, self.scope(self.root), *at, "when")
        settings = self.settings(self.root, spec.values, (*at, "values"))
        return Archetype(spec.name, spec.share * factor, spec.reason, self.index, when, settings, members)

    def part(self, spec: MemberSpec, at: At) -> MemberPart:
        assert self.member is not None
        taken = (self.root.name, self.member.name, PREVIOUS, ROLE)
        if spec.role in taken or keyword.iskeyword(spec.role):
            raise self.error(f"{spec.role!r} is reserved, expected another name", *at, "role")
        if self.spec.role_variable in spec.values:
            raise self.error("the role sets this variable, expected it left out", *at, "values")
        count = self.count()
        number = read_distribution(self.document, replace(count, low=0.0), spec.number, (*at, "number"))
        return MemberPart(self.roles.index(spec.role), number, self.settings(self.member, spec.values, (*at, "values")))

    def check_number(self, members: Sequence[MemberPart], at: At) -> None:
        if not members:
            return
        count = self.count()
        low, high = (sum(values) for values in zip(*(bounds(part.number) for part in members), strict=True))
        if low > count.high or high < max(count.low, 1):
            message = f"lists {low:g} to {high:g} members, expected {max(count.low, 1):g} to {count.high:g}"
            raise self.error(f"{message} ({count.name})", *at, "members")

    def count(self) -> Variable:
        assert self.member is not None
        found = self.root.find(str(self.member.count))
        assert isinstance(found, Variable)
        return found

    def settings(self, entity: Entity, values: Mapping[str, Any], at: At) -> tuple[Setting, ...]:
        return tuple(
            Setting(
                name, read_distribution(self.document, self.variable(entity, name, (*at, name)), given, (*at, name))
            )
            for name, given in values.items()
        )

    def variable(self, entity: Entity | None, name: str, at: At) -> Variable:
        if entity is None:
            raise self.error("the scenario has no member entity", *at)
        found = entity.find(name)
        known = [v.name for v in entity.variables if self.zones is None or v.name != self.zones.variable]
        if found is not None and not isinstance(found, Variable):
            raise self.error(f"{name!r} is derived, expected a variable of {entity.name} that can be set", *at)
        if found is None or name not in known:
            raise self.error(f"unknown variable {name!r} of {entity.name}{nearest(name, known)}", *at)
        return found

    def scope(self, entity: Entity) -> Scope:
        """Variables only: what derives from them is not known while a record is being built."""
        own = {v.name: (Column(self.root.name, v.name), v.categories or None) for v in self.root.variables}
        if self.member is None:
            return Scope(self.root.name, own)
        below = {v.name: (Column(self.member.name, v.name), v.categories or None) for v in self.member.variables}
        if entity is self.root:
            return Scope(self.root.name, own, self.member.name, {**own, **below})
        role = {ROLE: (Column(self.member.name, ROLE), tuple(self.roles) or ("",))}
        others = {
            f"{other}.{name}": (Column(self.member.name, f"{other}.{name}"), categories)
            for other in self.roles
            for name, (_, categories) in below.items()
        }
        return Scope(self.member.name, {**role, **own, **others, **below})

    def relations(self) -> list[Relation]:
        specs = self.spec.relations
        if len(specs) > MAX_ITEMS:
            raise self.error(f"{len(specs)} relations, expected at most {MAX_ITEMS}", "relations")
        for i, spec in enumerate(specs):
            if any(spec.name == other.name for other in specs[:i]):
                raise self.error(f"a relation named {spec.name!r} exists already", "relations", i, "name")
        return [self.relation(spec, ("relations", i)) for i, spec in enumerate(specs)]

    def relation(self, spec: RelationSpec, at: At) -> Relation:
        entity = self.entity(spec, at)
        if spec.role is not None and entity is self.root:
            raise self.error(f"{entity.name} has no roles, expected this key with members only", *at, "role")
        variable = self.variable(entity, spec.variable, (*at, "variable"))
        if self.member is not None and variable.name == self.member.count:
            raise self.error("this is the number of members, expected archetypes to set it", *at, "variable")
        roles = frozenset(self.roles.index(self.role(name, (*at, "role"))) for name in _listed(spec.role))
        scope = self.scope(entity)
        when = None if spec.when is None else self.document.parse(spec.when, scope, *at, "when")
        follows = self.follows(spec, entity, variable, at)
        return Relation(spec.name, spec.reason, self.index, entity.name, variable.name, roles, when, follows)

    def entity(self, spec: RelationSpec, at: At) -> Entity:
        entities = {entity.name: entity for entity in (self.root, self.member) if entity is not None}
        if spec.entity is None:
            return self.member or self.root
        if spec.entity not in entities:
            message = f"unknown entity {spec.entity!r}{nearest(spec.entity, entities)}"
            raise self.error(message, *at, "entity")
        return entities[spec.entity]

    def role(self, name: str, at: At) -> str:
        if name not in self.roles:
            raise self.error(f"no archetype has a member of role {name!r}{nearest(name, self.roles)}", *at)
        return name

    def follows(
        self, spec: RelationSpec, entity: Entity, variable: Variable, at: At
    ) -> Difference | SameAs | Distribution:
        given = [key for key in ("difference", "same", "values") if getattr(spec, key) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise self.error(f"expected one of difference, same and values, got {found}", *at)
        if spec.values is not None:
            return read_distribution(self.document, variable, spec.values, (*at, "values"))
        if entity is self.root:
            raise self.error(f"a {given[0]} relates members, expected values for {entity.name}", *at, given[0])
        if spec.same is not None:
            roles, where = self.other(spec.same, (*at, "same"))
            return SameAs(roles, where, float(spec.same.probability))
        assert spec.difference is not None
        at = (*at, "difference")
        if variable.kind == "category":
            raise self.error(f"{variable.name} is a category, expected a numeric variable", *at)
        roles, where = self.other(spec.difference, at)
        value = read_distribution(self.document, difference_of(variable), spec.difference.value, (*at, "value"))
        return Difference(roles, where, value)

    def other(self, spec: DifferenceSpec | SameSpec, at: At) -> tuple[tuple[str, ...], Node | None]:
        names = _listed(spec.to)
        roles = tuple(name if name == PREVIOUS else self.role(name, (*at, "to")) for name in names)
        assert self.member is not None
        if spec.where is None:
            return roles, None
        return roles, self.document.parse(spec.where, self.scope(self.member), *at, "where")


def _listed(given: str | list[str] | None) -> list[str]:
    if given is None:
        return []
    return [given] if isinstance(given, str) else given
