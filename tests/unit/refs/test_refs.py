"""Refs: the public names of jobs."""

from uuid import UUID, uuid4

import pytest

from relais.refs import bounds_of, ref_of

ID = UUID("0f4c2a9e-71b3-4d02-9e6f-b1d7c3a58e44")


def test_a_ref_is_the_start_of_the_id() -> None:
    """Twelve hexadecimal digits, whichever way the id is spelled."""
    assert ref_of(ID) == ref_of(str(ID)) == ref_of(ID.hex.upper()) == "0f4c2a9e71b3"


def test_a_ref_leaves_the_rest_of_the_id_secret() -> None:
    """The version's digit and the 74 random bits after it aren't in the ref."""
    assert ref_of(ID) == ref_of(UUID(int=ID.int ^ (1 << 74) - 1))
    assert "4d02" not in ref_of(ID)


def test_the_bounds_hold_exactly_the_ids_of_the_ref() -> None:
    """The id lies between them; the neighbours of both bounds have other refs."""
    low, high = bounds_of(ref_of(ID))
    assert low <= ID <= high
    assert ref_of(low) == ref_of(high) == ref_of(ID)
    assert ref_of(UUID(int=low.int - 1)) != ref_of(ID) != ref_of(UUID(int=high.int + 1))


def test_the_largest_and_the_smallest_refs_have_bounds() -> None:
    """Nothing overflows at the ends."""
    assert bounds_of("0" * 12)[0].int == 0
    assert bounds_of("f" * 12)[1].int == 2**128 - 1


def test_any_id_is_found_by_its_own_ref() -> None:
    """For random ids too, in any case and with blanks around."""
    for _ in range(100):
        made = uuid4()
        low, high = bounds_of(f" {ref_of(made).upper()} ")
        assert low <= made <= high


@pytest.mark.parametrize("spelled", [str(ID), ID.hex, str(ID).upper()], ids=["hyphens", "hex", "upper"])
def test_a_whole_id_means_itself(spelled: str) -> None:
    """Whoever has the id may use it wherever a ref is taken."""
    assert bounds_of(spelled) == (ID, ID)


@pytest.mark.parametrize(
    "wrong",
    ["", "0f4c2a9e71b", "0f4c2a9e71b34", "0f4c2a9e-71b3", "0f4c2a9e71bg", "%", "{" + str(ID) + "}", "\u0660" * 12],
    ids=["empty", "short", "long", "hyphen", "letter", "sign", "braces", "digits of another script"],
)
def test_anything_else_is_refused(wrong: str) -> None:
    """The message names what is wanted."""
    with pytest.raises(ValueError, match="twelve hexadecimal digits, or a whole id"):
        bounds_of(wrong)
