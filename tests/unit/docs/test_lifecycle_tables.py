"""The tables of states and transitions against the lifecycle."""

import re
from pathlib import Path

from relais.lifecycle import TRANSITIONS, State

LIFE = (Path(__file__).parents[3] / "docs" / "life-of-a-message.md").read_text()


def _rows(heading: str) -> list[list[str]]:
    section = LIFE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_the_table_of_states_has_every_state() -> None:
    """A state that a client may see is explained."""
    assert [row[0] for row in _rows("The states of a message")] == [f"`{state}`" for state in State]


def test_the_table_of_transitions_has_every_arrow_with_its_ends() -> None:
    """The documented arrows are those that the code can take."""
    documented = {
        row[0].strip("`"): (set(re.findall(r"`(\w+)`", row[1])), row[2].strip("`"))
        for row in _rows("The transitions between states")
    }
    assert documented == {
        arrow.name: ({str(state) for state in arrow.sources}, str(arrow.target)) for arrow in TRANSITIONS
    }
