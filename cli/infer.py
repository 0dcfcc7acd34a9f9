"""`synthor infer`: asks a language model once for a scenario's structural prior, and writes it beside the tables."""

import json
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.settings import build_settings

if TYPE_CHECKING:
    from schemas.exchange import Answer, ProposalReply, ProposalRequest
    from schemas.model import Scenario
    from schemas.settings import RunSettings
    from synthesis.replies import Checked


def infer(
    scenario: Annotated[Path, typer.Argument(help="Scenario folder.", show_default=False)],
    proposer: Annotated[str, typer.Option(help="anthropic or plugin:NAME.")] = "anthropic",
    model: Annotated[str | None, typer.Option(help="Language model.", show_default=False)] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite an earlier answer.")] = False,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting, such as max_reply_tokens.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask for archetypes and relations; writes SCENARIO/prior/inferred.yaml, to be reviewed and edited."""
    from adapters.inferred_prior import FILE_NAME, write_prior
    from adapters.llm.session import check_proposer
    from adapters.prior_files import FOLDER
    from adapters.scenario_files import read_scenario
    from schemas.errors import UserError

    settings = build_settings({"proposer": proposer, "model": model}, assignments or ())
    if not settings.asks:
        raise UserError("--proposer offline: nobody to ask, expected anthropic or plugin:NAME")
    checked = read_scenario(scenario)
    path = scenario / FOLDER / FILE_NAME
    if path.exists() and not replace:
        raise UserError(f"{path}: exists already and may have been edited, expected --replace to overwrite it")
    check_proposer(settings)
    answer, told = _ask(scenario, checked, settings)
    write_prior(scenario, answer.value, told["model"], told["prompt_version"], is_new=not replace)
    read_scenario(scenario)
    found = {"path": str(path), "archetypes": len(answer.value["archetypes"])}
    found |= {"relations": len(answer.value["relations"]), "faults": answer.faults, **told}
    typer.echo(json.dumps(found, indent=2) if as_json else _summary(found))


def _ask(folder: Path, scenario: "Scenario", settings: "RunSettings") -> "tuple[Answer, dict[str, Any]]":
    """The answer, and what is said of it; the exchanges are kept beside the prior, whatever came back."""
    from adapters.inferred_prior import EXCHANGES
    from adapters.llm.exchange_files import ExchangeStore, write_exchanges
    from adapters.llm.session import ask_round
    from adapters.prior_files import FOLDER
    from schemas.errors import ProposerError
    from synthesis.aims import build_aims
    from synthesis.prior_requests import prior_request

    request = prior_request(scenario, build_aims(scenario, settings.size), settings)
    with tempfile.TemporaryDirectory(prefix="synthor-") as name:
        answers = ask_round(Path(name), settings, [request], partial(_check, scenario)).answers
        exchanges = ExchangeStore(Path(name)).read_all()
    (folder / FOLDER).mkdir(exist_ok=True)
    write_exchanges(folder / FOLDER / EXCHANGES, exchanges)
    if answers[0].value is None:
        raise ProposerError(f"no prior was written: {answers[0].reason}")
    models = [exchange.reply.model for exchange in exchanges if exchange.reply is not None]
    tokens = sum(exchange.usage.tokens for exchange in exchanges)
    told = {"model": models[-1] or settings.model, "prompt_version": request.prompt_version}
    return answers[0], {**told, "calls": len(exchanges), "tokens": tokens}


def _check(scenario: "Scenario", request: "ProposalRequest", reply: "ProposalReply") -> "Checked":
    from adapters.inferred_prior import check_prior

    return check_prior(scenario, reply)


def _summary(found: dict[str, Any]) -> str:
    left_out = sum(found["faults"].values())
    rest = f"; {left_out} left out as invalid" if left_out else ""
    return (
        f"{found['path']}: {found['archetypes']} archetypes and {found['relations']} relations by {found['model']}, "
        f"{found['calls']} calls, {found['tokens']:,} tokens{rest}\n"
        "Review it: runs use it as it stands, and --no-prior leaves it aside."
    )
