"""What the project's own files promise: commands, lock, deployment."""

import ast
import importlib
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from adapters.scenario_files import read_scenario

ROOT = Path(__file__).resolve().parents[1]
MAKE_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def requirements():
    project = tomllib.loads(read("pyproject.toml"))["project"]
    return [Requirement(text) for text in project["dependencies"] + project["optional-dependencies"]["dev"]]


def test_readme_names_only_make_targets_that_exist():
    named = set(
        re.findall(r"\bmake ([a-z][a-z-]*)", "\n".join(re.findall(r"`[^`]+`|```.*?```", read("README.md"), re.S)))
    )
    assert {"vermont", "test"} <= named <= set(MAKE_TARGET.findall(read("Makefile")))


def test_readme_names_only_commands_that_exist():
    from cli.main import app

    commands = {command.callback.__name__ for command in app.registered_commands}
    commands |= {group.typer_instance.info.name for group in app.registered_groups}
    assert set(re.findall(r"^synthor ([a-z]+)", read("README.md"), re.MULTILINE)) <= commands


def test_readme_names_only_files_that_exist():
    links = re.findall(r"\]\(([^)#]+)\)", read("README.md"))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_readme_scenario_can_be_read(tmp_path):
    (scenario,) = re.findall(r"```yaml\n(.*?)```", read("README.md"), re.DOTALL)
    (tmp_path / "scenario.yaml").write_text(scenario, encoding="utf-8")
    (tmp_path / "income.csv").write_text("income,count\n0-24999,200\n25000+,800\n", encoding="utf-8")
    (tmp_path / "work.csv").write_text("work,share\nfull time,.5\npart time,.2\nnot working,.3\n", encoding="utf-8")
    assert read_scenario(tmp_path).size == 1000


def test_lock_holds_versions_and_hashes_only():
    lock = read("requirements.lock")
    lines = [line for line in lock.splitlines() if not line.startswith("#")]
    assert "://" not in lock
    assert [line for line in lines if not re.match(r"[a-z0-9._-]+==|    --hash=sha256:[0-9a-f]{64}( \\)?$", line)] == []


def test_lock_meets_every_dependency():
    pinned = {canonicalize_name(name): version for name, version in PINNED.findall(read("requirements.lock"))}
    missed = [str(r) for r in requirements() if not r.specifier.contains(pinned[canonicalize_name(r.name)])]
    assert missed == []


def test_every_import_is_a_declared_dependency():
    declared = {canonicalize_name(requirement.name) for requirement in requirements()}
    files = [path for name in (*packages(), "tests") for path in (ROOT / name).glob("**/*.py")]
    own = {*packages(), "tests", "benchmarks", "docs", *(path.stem for path in files)}
    foreign = set().union(*map(imports_of, files)) - own - set(sys.stdlib_module_names)
    distributions = packages_distributions()
    undeclared = {
        name for name in foreign if not {canonicalize_name(d) for d in distributions.get(name, [name])} & declared
    }
    assert undeclared == set()


def imports_of(path):
    """Top-level names of what a module imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def packages():
    """The top-level packages that are there."""
    return sorted(path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests")


def test_every_package_is_shipped_and_linted():
    tool = tomllib.loads(read("pyproject.toml"))["tool"]
    assert sorted(tool["hatch"]["build"]["targets"]["wheel"]["packages"]) == packages()
    assert sorted(tool["mypy"]["files"]) == sorted(tool["importlinter"]["root_packages"]) == packages()


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["name"])
def test_deployment_runs_an_installed_flow_on_shipped_inputs(deployment):
    module, _, name = deployment["entrypoint"].rpartition(".")
    flow = getattr(importlib.import_module(module), name)
    flow.validate_parameters(deployment["parameters"])
    assert (ROOT / deployment["parameters"]["scenario"] / "scenario.yaml").is_file()
    assert "/" not in deployment["work_pool"]["job_variables"]["working_dir"]
