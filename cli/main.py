"""The command `synthor`: its commands, and how their failures are told.

Exit codes: 0 done, 1 the run or its validation failed, 2 a mistake of the user's, 130 and 143 interrupted.
"""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from cli.check import check
from cli.derive import derive
from cli.environment import prepare_environment
from cli.evaluate import evaluate
from cli.explain import explain
from cli.export import export
from cli.importing import importing
from cli.infer import infer
from cli.init import init
from cli.preview import preview
from cli.publish import publish
from cli.review import report, validate
from cli.run import resume, run
from cli.schema import schema
from cli.update import update
from schemas.errors import ReplayError, SynthorError, UserError

app = typer.Typer(
    name="synthor",
    help="Micro-records whose totals match published statistics.",
    epilog="Example: synthor run scenarios/ecommerce --out runs/ecommerce",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


def _example(text: str) -> str:
    return f"Example: {text}"


app.command(epilog=_example("synthor init my-town"))(init)
app.command(epilog=_example("synthor check scenarios/vermont"))(check)
app.command(epilog=_example("synthor preview scenarios/vermont --records 10"))(preview)
app.command(epilog=_example("synthor run scenarios/ecommerce --out runs/ecommerce --random-seed 7"))(run)
app.command(epilog=_example("synthor resume runs/ecommerce"))(resume)
app.command(epilog=_example("synthor update runs/vermont scenarios/vermont-2020 --out runs/vermont-2020"))(update)
app.command(epilog=_example("synthor validate runs/ecommerce --full"))(validate)
app.command(epilog=_example("synthor report runs/ecommerce"))(report)
app.command(epilog=_example("synthor derive --micro household=households.csv --out scenarios/mine"))(derive)
app.command(epilog=_example("synthor evaluate runs/ecommerce --reference transaction=records.csv"))(evaluate)
app.command(epilog=_example("synthor explain runs/vermont --record 500000042"))(explain)
app.command(epilog=_example("synthor export runs/vermont --to vermont-csv --format populationsim"))(export)
app.command(epilog=_example("synthor publish runs/ecommerce --to published"))(publish)
app.command(epilog=_example("synthor schema > scenario.schema.json"))(schema)
app.command(epilog=_example("synthor infer scenarios/vermont --model claude-opus-5-5"))(infer)
app.add_typer(importing)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"synthor {version('synthor')}")
        raise typer.Exit


@app.callback()
def _synthor(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code of one command; whatever a user did wrong is one line on stderr."""
    prepare_environment()
    command = typer.main.get_command(app)
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = command.main(given or ["--help"], prog_name="synthor", standalone_mode=False)
    except UserError as exc:
        return _tell(str(exc), 2)
    except ReplayError as exc:
        code = _tell(str(exc), 1)
        typer.echo(exc.difference, err=True)
        return code
    except SynthorError as exc:
        return _tell(str(exc), 1)
    except typer.TyperException as exc:
        return _tell(exc.format_message(), 2)
    except OSError as exc:
        # pyarrow names no file, and tells what happened in the text alone
        return _tell(f"{exc.filename}: {exc.strerror}" if exc.filename else str(exc), 1)
    return code if isinstance(code, int) else 0


def _tell(message: str, code: int) -> int:
    line = " ".join(message.split())  # of whatever is quoted in it, nothing may steer a terminal
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)
    typer.echo(f"synthor: {shown}", err=True)
    return code


if __name__ == "__main__":
    from cli.entry import main as enter

    enter()
