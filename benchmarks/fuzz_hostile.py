"""Input that somebody made to do harm: a process each, whose peak memory is measured."""

import os
import pickle
import resource
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.chaos_stage import SCENARIO, write_scenario
from benchmarks.fuzz_cases import EXAMPLES, Outcome, command

GIGABYTE = 2**30
CPU_SECONDS = 30
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join(['*a' + str(i - 1)] * 9)}]\n" for i in range(1, 12)
)


def most_bytes(case: Callable[[Path], Outcome], folder: Path) -> tuple[Outcome, int]:
    """How the case ended, and the memory that it took beyond what its process had."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        folder.mkdir(parents=True)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (8 * GIGABYTE, 8 * GIGABYTE))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            outcome = case(folder)
        except BaseException as error:
            outcome = Outcome(99, f"{type(error).__name__}: {error}")
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        os.write(writer, pickle.dumps((outcome, (after - before) * 1024)))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        content = file.read()
    os.waitpid(pid, 0)
    found: tuple[Outcome, int] = pickle.loads(content) if content else (Outcome(98, "its process was killed"), 0)
    return found


def _check(folder: Path, change: Callable[[Path], object]) -> Outcome:
    change(write_scenario(folder / "s"))
    return command("check", folder / "s", "--json")


def _scenario(old: str, new: str) -> Callable[[Path], Outcome]:
    assert old in SCENARIO
    return lambda folder: _check(folder, lambda s: (s / "scenario.yaml").write_text(SCENARIO.replace(old, new)))


def _file(name: str, content: str | bytes) -> Callable[[Path], Outcome]:
    given = content.encode() if isinstance(content, str) else content

    def change(scenario: Path) -> None:
        (scenario / name).parent.mkdir(exist_ok=True)
        (scenario / name).write_bytes(given)

    return lambda folder: _check(folder, change)


def _sparse(path: Path, head: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head)
    os.truncate(path, GIGABYTE)
    return path


def _large(name: str, head: bytes = b"") -> Callable[[Path], Outcome]:
    return lambda folder: _check(folder, lambda s: _sparse(s / name, head))


def _parquet(table: Callable[[], pa.Table], rows: int = 1) -> Callable[[Path], Outcome]:
    def change(scenario: Path) -> None:
        text = SCENARIO.replace("tenure.csv", "tenure.parquet")
        (scenario / "scenario.yaml").write_text(text)
        group = table()
        with pq.ParquetWriter(scenario / "tenure.parquet", group.schema, compression="zstd") as writer:
            for _ in range(rows):
                writer.write_table(group)

    return lambda folder: _check(folder, change)


def _long_texts() -> pa.Table:
    """A dictionary of one long text, which every one of very many rows repeats."""
    codes = pa.array([0] * 1_000_000, pa.int32())
    return pa.table({"county": pa.DictionaryArray.from_arrays(codes, pa.array(["x" * 1_000_000])), "tenure": codes})


def _zeros() -> pa.Table:
    zeros = pa.array([0] * 5_000_000, pa.int64())
    return pa.table({"county": zeros, "tenure": zeros, "count": zeros})


def _import(kind: str, name: str, head: bytes) -> Callable[[Path], Outcome]:
    def run(folder: Path) -> Outcome:
        path, out = _sparse(folder / "in" / name, head), folder / "out"
        if kind == "table":
            return command("import", "table", path, "--entity", "e", "--variables", "v", "--out", out, out=out)
        if kind == "derive":
            return command("derive", "--micro", f"e={path}", "--out", out, out=out)
        return command("import", kind, path if kind == "census-table" else path.parent, "--out", out, out=out)

    return run


def _settings_yaml(text: str) -> Callable[[Path], Outcome]:
    def run(folder: Path) -> Outcome:
        for path in (EXAMPLES / "populationsim").iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        (folder / "settings.yaml").write_text(text)
        return command("import", "populationsim", folder, "--out", folder / "out", out=folder / "out")

    return run


def _link(target: str) -> Callable[[Path], Outcome]:
    def change(scenario: Path) -> None:
        (scenario / "size.csv").unlink()
        (scenario / "size.csv").symlink_to(target)

    return lambda folder: _check(folder, change)


def _loop(folder: Path) -> Outcome:
    (folder / "loop").symlink_to(folder / "loop")
    return command("check", folder / "loop")


HOSTILE: dict[str, Callable[[Path], Outcome]] = {
    "traversal_in_file": _scenario("file: size.csv", "file: ../../../../etc/passwd"),
    "absolute_file": _scenario("file: size.csv", "file: /etc/passwd"),
    "traversal_in_scenario_name": _scenario("name: villages", "name: ../../evil"),
    "traversal_in_table_name": _scenario("  size: {entity", "  ../size: {entity"),
    "traversal_in_zone": _file("zones.csv", "county\n../../01\n02\n03\n04\n"),
    "dots_as_zone": _file("zones.csv", "county\n..\n02\n03\n04\n"),
    "null_in_zone": _file("zones.csv", "county\n0\x001\n02\n03\n04\n"),
    "long_zone": _file("zones.csv", "county\n" + "z" * 100_000 + "\n02\n03\n04\n"),
    "huge_integer": _scenario("range: [1, 5]", "range: [1, " + "9" * 90_000 + "]"),
    "huge_range": _scenario("range: [0, 99]", "range: [0, 9007199254740992]"),
    "huge_size": _scenario("name: villages", "name: villages\nsize: 999999999999999999999"),
    "not_a_number": _scenario("range: [0, 2000]", "range: [.nan, 2000]"),
    "infinite": _scenario("range: [0, 2000]", "range: [0, .inf]"),
    "infinite_count": _file("size.csv", "county,size,count\n01,1,inf\n"),
    "not_a_count": _file("size.csv", "county,size,count\n01,1,nan\n"),
    "huge_count": _file("size.csv", "county,size,count\n01,1," + "9" * 10_000 + "\n"),
    "binary": _file("scenario.yaml", bytes(range(256)) * 100),
    "deep_yaml": _file("scenario.yaml", "a: " + "[" * 100_000),
    "deep_blocks": _file("scenario.yaml", "".join("  " * i + f"a{i}:\n" for i in range(600))),
    "alias_bomb": _file("scenario.yaml", BOMB),
    "alias_bomb_in_prior": _file("prior/prior.yaml", BOMB),
    "deep_expression": _scenario("any(person.age >= 18)", "(" * 5000 + "size > 1" + ")" * 5000),
    "long_expression": _scenario("any(person.age >= 18)", "size > 1" + " and size > 1" * 20_000),
    "gigabyte_yaml": _large("scenario.yaml", b"name: "),
    "gigabyte_prior": _large("prior/prior.yaml", b"author: "),
    "gigabyte_line_in_csv": _large("size.csv", b"county,size,count\n01,1,"),
    "gigabyte_header_in_csv": _large("size.csv", b"county"),
    "gigabyte_crosswalk": _large("zones.csv", b"county\n01\n"),
    "gigabyte_field": _large("size.csv", b'county,size,count\n01,1,"'),
    "gigabyte_table": _import("table", "t.csv", b"v,count\n1,"),
    "gigabyte_census": _import("census-table", "B01001.csv", b"GEO_ID,NAME\n"),
    "gigabyte_json": _import("census-table", "B01001.json", b"[["),
    "gigabyte_controls": _import("populationsim", "controls.csv", b"target,geography\n"),
    "gigabyte_micro": _import("derive", "e.csv", b"a,b\n1,"),
    "alias_bomb_in_settings": _settings_yaml(BOMB + "geographies: *a11\n"),
    "deep_settings": _settings_yaml("geographies: " + "[" * 50_000),
    "zip_bomb_rows": _parquet(_zeros, rows=20),
    "zip_bomb_texts": _parquet(_long_texts),
    "link_loop": _link("size.csv"),
    "link_outside": _link("/etc/passwd"),
    "link_to_device": _link("/dev/zero"),
    "folder_loop": _loop,
    "very_wide_csv": _file("size.csv", ",".join(f"c{i}" for i in range(200_000)) + "\n"),
}
