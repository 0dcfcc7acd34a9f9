"""The simulated proposer: reads the guidance in a prompt and writes proposals, as badly as it is told to.

It stands in for a language model where one wants to know how much a proposer's faults matter. Its answer depends on
its settings, its random seed and the prompt alone, never on when or how often it is asked.
"""

import hashlib
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from schemas.guidance import Guidance, GuidedCell, GuidedVariable
from synthesis.guidance_text import read_guidance

INVALID_KINDS = ("category", "bounds", "share", "missing", "type")
RANGE_PARTS = 8
FOLLOWS_CONTEXT = 0.8
"""How often it writes a root's category that the context names, whatever the guidance says."""
_CONTEXT = re.compile(r'^\{"context": .*$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SimulatedProposer:
    """How it errs: `count_noise` is the relative error of its shares, `bias` how often it writes its own favourite
    instead of what the guidance asks for, `invalid_share` how many proposals are unusable, `prior_strength` how far
    from uniform its own idea of an unguided variable is.
    """

    count_noise: float = 0.0
    bias: float = 0.0
    invalid_share: float = 0.0
    prior_strength: float = 0.0
    random_seed: int = 0

    def answer(self, prompt: str, is_fenced: bool = False) -> str:
        """The reply to a prompt: a JSON object, in a fence where no schema is enforced and it feels like it."""
        if "\n```tables\n" in prompt:
            return self._groups(prompt)
        if '"archetypes"' in prompt.partition("```")[0] or "archetypes that together" in prompt:
            return _prior(read_guidance(prompt))
        try:
            guidance = read_guidance(prompt)
        except ValueError:
            return '{"proposals": []}'
        if '{"records": [' in prompt.partition("\n```")[0]:
            return self._records(guidance, prompt)
        context = "".join(_CONTEXT.findall(prompt))
        written = [self._proposal(guidance, context, self._rng(prompt, i)) for i in range(guidance.asked.proposals)]
        text = json.dumps({"proposals": written}, ensure_ascii=False)
        return f"Here are the proposals.\n\n```json\n{text}\n```" if is_fenced else text

    def _groups(self, prompt: str) -> str:
        """The variables of the widest table, and two variables that it draws."""
        lines = [json.loads(line) for line in prompt.split("\n```tables\n")[1].split("\n```")[0].splitlines()]
        tables = [line["table"] for line in lines if "table" in line]
        widest = max(tables, key=lambda table: len(table["variables"]))["variables"][:4]
        names = sorted({name for table in tables for name in table["variables"]})
        drawn = self._rng(prompt, 0).choice(names, 2, replace=False).tolist() if len(names) > 1 else []
        wanted = [names for names in (widest, drawn) if len(names) > 1]
        return json.dumps({"groups": [{"variables": names, "reason": "simulated", "table": []} for names in wanted]})

    def _records(self, guidance: Guidance, prompt: str) -> str:
        """Records one by one: as its proposals, with one value where those have a range."""
        written = []
        for position in range(guidance.asked.records):
            rng = self._rng(prompt, position)
            values = self._proposal(guidance, "", rng)["values"]
            kinds = {variable.name: variable.kind for variable in guidance.variables}
            written.append({name: _one(value, kinds.get(name), rng) for name, value in values.items()})
        return json.dumps({"records": written})

    def _rng(self, prompt: str, position: int) -> np.random.Generator:
        digest = hashlib.sha256(f"{self.random_seed}:{position}:{prompt}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8]))

    def _proposal(self, guidance: Guidance, context: str, rng: np.random.Generator) -> dict[str, Any]:
        asked = guidance.asked
        cells = [cell for cell in guidance.cells if cell.missing > 0 and cell.entity == asked.root]
        values, reasons, share = self._values(guidance, asked.root, cells, {}, rng)
        for variable in guidance.variables if context else ():
            named = [category for category in variable.categories if category in context]
            if variable.entity == asked.root and named and rng.random() < FOLLOWS_CONTEXT:
                values[variable.name] = named[0]
        proposal: dict[str, Any] = {"values": {name: _written(value) for name, value in values.items()}}
        if asked.member is not None:
            proposal["members"] = self._members(guidance, values, rng)
        noise = 1 + self.count_noise * rng.uniform(-1, 1)
        proposal["share"] = round(max(share * noise, 1e-6), 6)
        proposal["reason"] = "; ".join(reasons) or "nothing is missing: from the prior"
        if rng.random() < self.invalid_share:
            self._spoil(proposal, guidance, rng)
        return proposal

    def _values(
        self,
        guidance: Guidance,
        entity: str,
        cells: Sequence[GuidedCell],
        given: Mapping[str, Any],
        rng: np.random.Generator,
    ) -> tuple[dict[str, Any], list[str], float]:
        """Values along the cells with the largest lack that agree with what is there already."""
        variables = {variable.name: variable for variable in guidance.variables if variable.entity == entity}
        values: dict[str, Any] = {}
        reasons, share, left = [], 1.0, list(cells)
        while left:
            open_cells = [c for c in left if _agrees(c, {**given, **values}) and not c.where.keys() <= values.keys()]
            if not open_cells:
                break
            weights = np.array([cell.missing for cell in open_cells])
            cell = open_cells[rng.choice(len(open_cells), p=weights / weights.sum())]
            left.remove(cell)
            share = min(share, cell.missing)
            reasons.append(f"{cell.table} {cell.where} lacks {cell.missing:.4g}")
            for name, wanted in cell.where.items():
                if name in variables and name not in values:
                    values[name] = _narrow(variables[name], wanted)
        for name, variable in variables.items():
            if name not in values or rng.random() < self.bias:
                values[name] = self._favourite(variable, rng)
        return values, reasons, share if reasons else 1.0 / guidance.asked.proposals

    def _favourite(self, variable: GuidedVariable, rng: np.random.Generator) -> Any:
        """A draw from its own prior, which is the same in every prompt."""
        if variable.kind == "text":
            written = f"simulated {variable.name} {rng.integers(1000)}"
            return [written[: variable.length or len(written)]]
        options: list[Any] = list(variable.categories) or _parts(variable)
        own = np.random.default_rng(
            int.from_bytes(hashlib.sha256(f"{self.random_seed}:{variable.name}".encode()).digest()[:8])
        )
        weights = own.exponential(size=len(options)) ** (4 * self.prior_strength)
        return options[rng.choice(len(options), p=weights / weights.sum())]

    def _members(self, guidance: Guidance, values: dict[str, Any], rng: np.random.Generator) -> list[dict[str, Any]]:
        asked = guidance.asked
        assert asked.member is not None
        listed = values.get(asked.count or "", (1.0, 1.0))
        low, high = (int(listed[0]), int(listed[1])) if isinstance(listed, tuple) else (int(listed), int(listed))
        count = int(rng.integers(low, high + 1))
        if asked.count:
            values[asked.count] = (float(count), float(count))
        cells = [cell for cell in guidance.cells if cell.missing > 0 and cell.entity == asked.member]
        members = []
        for _ in range(count):
            own, _, _ = self._values(guidance, asked.member, cells, values, rng)
            members.append({name: _written(value) for name, value in own.items()})
        return members

    def _spoil(self, proposal: dict[str, Any], guidance: Guidance, rng: np.random.Generator) -> None:
        kind = INVALID_KINDS[rng.integers(len(INVALID_KINDS))]
        values = proposal["values"]
        own = [variable for variable in guidance.variables if variable.name in values]
        categorical = [variable.name for variable in own if variable.kind == "category"]
        numeric = [variable for variable in own if variable.kind in ("integer", "number")]
        if kind == "category" and categorical:
            values[categorical[rng.integers(len(categorical))]] = "Unheard-of"
        elif kind == "bounds" and numeric:
            variable = numeric[rng.integers(len(numeric))]
            values[variable.name] = [variable.low, (variable.high or 0.0) * 2 + 1e6]
        elif kind == "missing" and len(values) > 1:
            del values[next(iter(values))]
        elif kind == "type":
            values[next(iter(values))] = {"about": "right"}
        else:
            proposal["share"] = -proposal["share"]


def _one(value: Any, kind: str | None, rng: np.random.Generator) -> Any:
    if not isinstance(value, dict) or set(value) != {"low", "high"}:
        return value
    low, high = value["low"], value["high"]
    return int(rng.integers(int(low), int(high) + 1)) if kind == "integer" else round(float(rng.uniform(low, high)), 4)


def _agrees(cell: GuidedCell, values: Mapping[str, Any]) -> bool:
    return all(_meets(values[name], wanted) for name, wanted in cell.where.items() if name in values)


def _meets(value: Any, wanted: Any) -> bool:
    if isinstance(value, tuple) and isinstance(wanted, tuple):
        return wanted[0] <= value[0] and value[1] <= wanted[1]
    return bool(value == wanted)


def _narrow(variable: GuidedVariable, wanted: Any) -> Any:
    """A cell's category, or its interval as a range of the variable: an integer's includes its upper end."""
    if isinstance(wanted, str):
        return wanted
    low, high = wanted
    if variable.kind == "integer":
        high -= 1
    bounds = (variable.low, variable.high)
    return (low if bounds[0] is None else max(low, bounds[0]), high if bounds[1] is None else min(high, bounds[1]))


def _parts(variable: GuidedVariable) -> list[tuple[float, float]]:
    low, high = variable.low or 0.0, variable.high or 0.0
    if variable.kind != "integer":
        edges = np.linspace(low, high, RANGE_PARTS + 1)
        return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    steps = np.unique(np.linspace(low, high + 1, RANGE_PARTS + 1).astype(int))
    return [(float(a), float(b - 1)) for a, b in itertools.pairwise(steps)]


def _written(value: Any) -> Any:
    return {"low": value[0], "high": value[1]} if isinstance(value, tuple) else value


def _prior(guidance: Guidance) -> str:
    """One archetype per category of the first category variable of the root; relations of nobody."""
    asked = guidance.asked
    root = next((v for v in guidance.variables if v.entity == asked.root and v.categories), None)
    options: list[list[dict[str, str]]] = (
        [[{"variable": root.name, "value": c}] for c in root.categories] if root else [[]]
    )
    members = [{"role": "head", "number": "[1, 2]", "values": []}] if asked.member else []
    written = [
        {"name": f"kind_{i}", "share": 1, "reason": "simulated", "values": values, "members": members}
        for i, values in enumerate(options)
    ]
    return json.dumps({"archetypes": written, "relations": []})
