"""What asking a proposer will cost, before the first call; and what it has cost and brought, in the closing summary."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schemas.model import Scenario, TextVariable
    from schemas.settings import RunSettings
    from synthesis.aims import Aims

KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


def estimate_run(scenario: "Scenario", aims: "Aims", settings: "RunSettings") -> dict[str, Any]:
    """The estimate as plain JSON. With a key the server counts the prompt's tokens, which costs nothing."""
    from adapters.llm.budget import check_limits
    from adapters.llm.estimate import count_input, estimate_cost, with_once
    from synthesis.aggregates import no_counts
    from synthesis.batching import round_fractions
    from synthesis.group_requests import groups_request
    from synthesis.requests import round_requests

    check_limits(settings)
    size = int(aims.zone_sizes.sum())
    rounds = len(round_fractions(settings, size))
    requests = round_requests(scenario, aims, settings, no_counts(scenario), 1, size)
    texts = [text for entity in scenario.entities for text in entity.texts]
    values = sum(len(entity.variables) for entity in scenario.entities) + sum(map(_as_values, texts))
    has_key = settings.proposer == "anthropic" and any(os.environ.get(name) for name in KEYS)
    estimate = estimate_cost(settings, requests, rounds, values, count_input(requests) if has_key else None)
    if settings.n_joints:
        once = [groups_request(scenario, settings)]
        estimate = with_once(settings, estimate, estimate_cost(settings, once, 1, 0))
    return {"proposer": settings.proposer, "model": settings.model, "rounds": rounds, **asdict(estimate)}


def _as_values(text: "TextVariable") -> int:
    """A free text of usual length, three times, as so many other values of a proposal."""
    return 1 + text.max_length // 40


def tell_estimate(asking: Mapping[str, Any]) -> str:
    """One line."""
    usd, most = asking["usd"], asking["most_usd"]
    cost = "cost unknown: no price for this model" if usd is None else f"{usd:,.2f} USD ({asking['price']})"
    limit = "" if most is None else f", {most:,.2f} USD"
    counted = "counted by the server" if asking["is_counted"] else "estimated from the length of the prompt"
    return (
        f"asking {asking['model']}: about {asking['calls']:,} calls in {asking['rounds']} rounds, "
        f"{asking['input_tokens']:,} tokens in ({counted}), {asking['output_tokens']:,} out, {cost}; "
        f"at most {asking['most_calls']:,} calls, {asking['most_tokens']:,} tokens{limit}"
    )


def tell_usage(llm: Mapping[str, Any]) -> list[str]:
    """Calls, tokens and cost; then what the offline chain covered, and why."""
    if not llm.get("requests"):
        return []
    usd = "cost unknown" if llm["usd"] is None else f"{llm['usd']:,.2f} USD"
    calls = f"{llm['replayed']} exchanges replayed" if llm["replayed"] else f"{llm['calls']} calls"
    lines = [f"{llm['proposals']} from {calls}, {llm['tokens']:,} tokens, {usd}"]
    if llm["covered_offline"]:
        lines.append(f"{llm['covered_offline']} of {llm['requests']} requests covered by the offline chain")
        lines += llm["reasons"][:3]
    if llm["limit_reached"]:
        lines.append(f"asking ended at {llm['limit_reached']}")
    return lines
