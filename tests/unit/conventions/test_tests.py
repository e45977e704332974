"""The rules that every test keeps."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
FILES = sorted(TESTS.rglob("test_*.py"))


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_every_test_states_the_behaviour_it_proves(path: Path) -> None:
    """Each test function has a docstring, so that a failure says which promise is broken."""
    without = [function.name for function in _functions(path) if not ast.get_docstring(function)]
    assert without == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_no_test_sleeps(path: Path) -> None:
    """Tests wait for conditions with `wait_until`; a sleep is either too short on a busy machine or wasted time."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    # `sleep(0)` gives the other coroutines their turn and takes no time.
    names = {ast.unparse(call.func) for call in calls if [ast.unparse(argument) for argument in call.args] != ["0"]}
    assert names.isdisjoint({"sleep", "time.sleep", "asyncio.sleep", "anyio.sleep"})


def test_the_rules_see_the_tests() -> None:
    """The search above finds test files at all, this one among them."""
    assert Path(__file__) in FILES
