"""The mutants of the fault suite."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from faults.mutants.catalogue import MUTANTS, Mutant
from faults.mutants.launch import mutated_source

_TESTS = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_its_safeguard(mutant: Mutant):
    """Each mutant still finds the safeguard that it removes, once, and what comes out of it is valid Python."""
    spec = importlib.util.find_spec(mutant.module)
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).read_text()
    mutated = mutated_source(mutant, source)
    assert mutated != source
    compile(mutated, spec.origin, "exec")


def test_a_mutant_whose_safeguard_was_rewritten_is_refused():
    """A mutant that would change nothing can't pass for one that was caught."""
    with pytest.raises(ValueError, match=r"occurs 0 times in relais\.store\.sweep, not once"):
        mutated_source(next(mutant for mutant in MUTANTS if mutant.name == "lease_check"), "something else")


def test_the_launcher_loads_the_mutated_module(tmp_path: Path):
    """A module started through the launcher sees the mutated source; started without it, the real one."""
    (tmp_path / "show_holes.py").write_text("from relais.store import transitions\nprint(transitions.PUNCH_HOLE)\n")
    env = {"PYTHONPATH": f"{_TESTS}:{tmp_path}", "PYTHONDONTWRITEBYTECODE": "1"}
    plain, mutated = (
        subprocess.run([sys.executable, "-m", *args], env=env, capture_output=True, text=True, check=True).stdout
        for args in (["show_holes"], ["faults.mutants.launch", "ticket_holes", "show_holes"])
    )
    assert "WHERE false" not in plain
    assert "WHERE false" in mutated
