"""What the command line says of a list that is longer than what it shows."""

import pytest

from relais_cli.render import MOST_SHOWN, how_to_see_more


@pytest.mark.parametrize(
    ("shown", "advice"),
    [(50, "narrow the filter, or raise --limit"), (MOST_SHOWN, "narrow the filter")],
    ids=["could be more", "the most"],
)
def test_nobody_is_told_to_raise_a_limit_that_is_the_highest(shown: int, advice: str) -> None:
    """Above 500 the option is refused."""
    assert how_to_see_more(shown) == advice
