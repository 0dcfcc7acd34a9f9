"""Good input, and how one case damages a file of it and gives it to a command."""

import contextlib
import io
import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks.chaos_stage import write_scenario

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
PRIOR = """\
author: somebody
date: 2026-11-22
archetypes:
  - name: alone
    share: 3
    reason: many live alone
    members:
      - {role: householder, values: {age: [18, 95]}}
  - name: couple
    share: 1
    when: county in ("01", "02")
    reason: couples
    values: {tenure: {owned: 0.8, rented: 0.2}, rent: {lognormal: [700, 0.5]}}
    members:
      - {role: householder, values: {age: [20, 60]}}
      - {role: spouse, values: {age: [18, 70]}}
relations:
  - name: age_of_spouse
    role: spouse
    variable: age
    difference: {to: householder, value: {normal: [1, 4], within: [-15, 15]}}
    reason: couples are of one age
"""
MICRO = "household_id,county,tenure,size,rent\n" + "".join(
    f"{i},0{1 + i % 4},{'owned' if i % 3 else 'rented'},{1 + i % 5},{i * 7.5}\n" for i in range(60)
)
SNIPPETS = (
    *(
        "\t",
        "\r\n",
        "\n",
        ": ",
        "- ",
        "? ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "'",
        '"',
        "#",
        "|\n",
        ">\n",
        "%",
        "@",
        "=",
        "~",
        ";",
    ),
    *("&a ", "*a", "<<: ", "!!int ", "!!python/name:os.system ", "---\n", "...\n", "\\", "\\ud800", "\0", "\ufeff"),
    *(
        "\u2028",
        "\xa0",
        "é",
        "-1",
        "0",
        "1e999",
        "nan",
        ".inf",
        "0x10",
        "0o17",
        "017",
        "12:30",
        "1e3",
        "1_000",
        "9" * 400,
    ),
    *(
        "2020-01-01",
        "2020-99-99",
        "yes",
        "no",
        "on",
        "null",
        "+",
        "<",
        "../",
        "/",
        "count",
        "share",
        "moe",
        "age",
        "size",
    ),
    *(
        "person.",
        "any(",
        "()",
        "county",
        "otherwise",
        "when",
        "[" * 99,
        "(" * 300,
        "not " * 300,
        "a" * 5000,
        "1" * 5000,
    ),
)


@dataclass(frozen=True)
class Outcome:
    """How a command ended: code, what it told on stderr, whether it left files although it refused."""

    code: int
    told: str
    left: bool = False


def prepare(folder: Path) -> Path:
    """Write the good input."""
    write_scenario(folder / "villages")
    (folder / "villages" / "prior").mkdir()
    (folder / "villages" / "prior" / "prior.yaml").write_text(PRIOR)
    shutil.copytree(EXAMPLES, folder / "examples")
    (folder / "micro").mkdir()
    (folder / "micro" / "households.csv").write_text(MICRO)
    pq.write_table(pa.csv.read_csv(folder / "micro" / "households.csv"), folder / "micro" / "households.parquet")
    as_parquet = shutil.copytree(folder / "villages", folder / "parquet")
    pq.write_table(pa.csv.read_csv(folder / "villages" / "tenure.csv"), as_parquet / "tenure.parquet")
    text = (as_parquet / "scenario.yaml").read_text()
    (as_parquet / "scenario.yaml").write_text(text.replace("tenure.csv", "tenure.parquet"))
    return folder


def command(*arguments: str | Path, out: Path | None = None) -> Outcome:
    """The command in this process."""
    from cli.main import main

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as errors:
        code = main([str(argument) for argument in arguments])
    return Outcome(code, errors.getvalue(), code != 0 and out is not None and out.exists())


def mutate(rng: random.Random, content: bytes) -> bytes:
    """The content after one to four changes."""
    for _ in range(rng.randint(1, 4)):
        start = rng.randint(0, len(content))
        end = min(len(content), start + rng.choice((0, 0, 1, 2, 5, 12, 60)))
        other = rng.randint(0, len(content))
        put = rng.choice(
            (
                rng.choice(SNIPPETS).encode("utf-8", "surrogatepass"),
                rng.randbytes(rng.randint(0, 3)),
                content[other : other + 40],
                b"",
            )
        )
        content = content[:start] + put + content[end:]
    return content


def damaged(rng: random.Random, good: Path, case: Path, pattern: str = "*") -> Path:
    """A copy of the folder in which one file is damaged."""
    shutil.rmtree(case, ignore_errors=True)
    shutil.copytree(good, case)
    path = rng.choice(sorted(path for path in case.rglob(pattern) if path.is_file()))
    path.write_bytes(mutate(rng, path.read_bytes()))
    return case


def check_scenario(rng: random.Random, corpus: Path, case: Path) -> Outcome:
    """`synthor check`."""
    return command("check", damaged(rng, corpus / "villages", case), "--json")


def check_parquet(rng: random.Random, corpus: Path, case: Path) -> Outcome:
    """`synthor check` of a scenario whose parquet table is damaged."""
    return command("check", damaged(rng, corpus / "parquet", case, "*.parquet"), "--json")


def preview_scenario(rng: random.Random, corpus: Path, case: Path) -> Outcome:
    """`synthor preview`: reads, plans and draws."""
    folder = damaged(rng, corpus / "villages", case)
    checked = command("check", folder, "--json")
    return (
        command("preview", folder, "--records", "5", "--json") if checked.code == 0 and rng.random() < 0.2 else checked
    )


def import_populationsim(rng: random.Random, corpus: Path, case: Path) -> Outcome:
    """`synthor import populationsim`."""
    out = case / "out"
    folder = damaged(rng, corpus / "examples" / "populationsim", case)
    return command("import", "populationsim", folder, "--out", out, out=out)


def import_census(rng: random.Random, corpus: Path, case: Path) -> Outcome:
    """`synthor import census-table`."""
    folder, out = damaged(rng, corpus / "examples", case, "B*"), case / "out"
    files = rng.choice((("B19001.csv",), ("B11016.csv",), ("B01001.json", "B01001_labels.json")))
    return command("import", "census-table", *(folder / name for name in files), "--out", out, out=out)


def import_table(rng: random.Random, corpus: Path, case: Path) -> Outcome:
    """`synthor import table`."""
    folder, out = damaged(rng, corpus / "examples", case, "tenure.csv"), case / "out"
    given = ("--entity", "household", "--variables", "tenure", "--out", out)
    return command("import", "table", folder / "tenure.csv", *given, out=out)


def derive(rng: random.Random, corpus: Path, case: Path) -> Outcome:
    """`synthor derive` from micro-data."""
    folder, out = damaged(rng, corpus / "micro", case), case / "out"
    name = rng.choice(("households.csv", "households.parquet"))
    return command("derive", "--micro", f"household={folder / name}", "--out", out, out=out)


def read_reply(rng: random.Random, corpus: Path, case: Path) -> Outcome:
    """A model's reply: kept as far as it is valid, or no reply at all."""
    from adapters.llm.anthropic_calls import read_message
    from adapters.scenario_files import read_scenario
    from schemas.errors import SynthorError
    from synthesis.replies import check_reply

    members = [{"age": [18, 60]}, {"age": 4}]
    proposal = {
        "values": {"tenure": "owned", "size": 2, "rent": [0, 900]},
        "members": members,
        "share": 0.5,
        "reason": "x",
    }
    text = mutate(rng, json.dumps({"proposals": [proposal, proposal]}).encode()).decode("utf-8", "replace")
    usage = {"input_tokens": 10, "output_tokens": 20}
    message = {"content": [{"type": "text", "text": text}], "model": "m", "stop_reason": "end_turn", "usage": usage}
    body = json.dumps(message).encode()
    try:
        reply = read_message(mutate(rng, body) if rng.random() < 0.3 else body)
        check_reply(read_scenario(corpus / "villages"), reply, 2)
    except SynthorError as error:
        return Outcome(2, f"synthor: {' '.join(str(error).split())}")
    return Outcome(0, "")


KINDS: dict[str, Callable[[random.Random, Path, Path], Outcome]] = {
    found.__name__: found
    for found in (
        *(check_scenario, import_populationsim, read_reply, preview_scenario, import_census),
        *(derive, import_table, check_parquet),
    )
}
