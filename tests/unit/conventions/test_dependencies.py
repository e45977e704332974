"""What the packages declare, what they import, and what the lock files pin."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROJECTS = {
    path.parent: tomllib.loads(path.read_text())
    for path in ROOT.glob("*/**/pyproject.toml")
    if ".venv" not in path.parts
}
LOCKS = sorted((ROOT / "requirements").iterdir())
SHARED = ROOT / "shared"
# Installed with another package on purpose: the import name's distribution follows from the declared one.
COMES_WITH = {
    "starlette": "fastapi",
    "starlette-problem": "fastapi-problem",
    "rfc9457": "fastapi-problem",
    "pydantic-core": "pydantic",
    "numpy": "qdrant-client",
    "httpcore": "httpx",
    "anyio": "fastapi",
    "click": "typer",
}


def _name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match
    return match[0].lower().replace("_", "-")


def _declared(project: Path) -> set[str]:
    return {_name(requirement) for requirement in PROJECTS[project]["project"]["dependencies"]}


def _imported(project: Path) -> set[str]:
    nodes = [node for path in project.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0}
    tops = {module.partition(".")[0] for module in modules} - sys.stdlib_module_names
    known = packages_distributions()
    return {_name(known[top][0]) for top in tops if not top.startswith("relais") and top in known}


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_a_package_declares_what_it_imports(project: Path) -> None:
    """An image is built from its package's own list; what is missing there fails only in production."""
    declared = _declared(project) | _declared(SHARED)
    optional = {
        _name(r) for extra in PROJECTS[project]["project"].get("optional-dependencies", {}).values() for r in extra
    }
    undeclared = {name for name in _imported(project) if COMES_WITH.get(name, name) not in declared | optional}
    assert undeclared == set()


def test_the_workspace_lists_what_its_packages_declare() -> None:
    """The development lock pins every dependency of every package, with the same bounds."""
    workspace = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    declared = {requirement for project in PROJECTS.values() for requirement in project["project"]["dependencies"]}
    assert declared == set(workspace)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_file_names_no_place_to_download_from(lock: Path) -> None:
    """Where packages come from is the business of the machine that installs them."""
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", lock.read_text())


@pytest.mark.parametrize("lock", [path for path in LOCKS if path.suffix != ".in"], ids=lambda path: path.name)
def test_a_lock_file_pins_by_hash_and_was_made_by_make(lock: Path) -> None:
    """Every pin has a hash; the header says how to make the file again."""
    text = lock.read_text()
    assert "#    make lock\n" in text
    pins = re.findall(r"^[a-z0-9].*==.*$", text, re.MULTILINE)
    assert pins
    assert all(pin.endswith("\\") for pin in pins)


LOCKED = {
    "dev": [ROOT],
    "api": [SHARED, ROOT / "services" / "api"],
    "worker": [SHARED, ROOT / "services" / "rag-worker"],
    "monitor": [SHARED, ROOT / "services" / "monitor"],
    "runtime": list(PROJECTS),
}


@pytest.mark.parametrize("lock", LOCKED)
def test_a_lock_file_pins_all_that_is_declared(lock: str) -> None:
    """A dependency that was added without `make lock` is caught here."""
    pinned = set(
        re.findall(
            r"^([a-z0-9.-]+)(?:\[[^]]*\])?==", (ROOT / "requirements" / f"{lock}.lock").read_text(), re.MULTILINE
        )
    )
    for project in LOCKED[lock]:
        declared = tomllib.loads((project / "pyproject.toml").read_text())["project"]["dependencies"]
        assert {_name(requirement) for requirement in declared} <= pinned


def test_the_runtime_is_locked_at_the_versions_that_the_tests_ran_with() -> None:
    """An image holds exactly what was tested."""
    tested = set(re.findall(r"^[a-z0-9][^ ]*==[^ ]+", (ROOT / "requirements" / "dev.lock").read_text(), re.MULTILINE))
    for lock in (ROOT / "requirements").glob("*.lock"):
        assert set(re.findall(r"^[a-z0-9][^ ]*==[^ ]+", lock.read_text(), re.MULTILINE)) <= tested
