"""How explanations speak of numbers, times and slots."""

from relais.explain.facts import Facts

NOTHING = "Nothing: it goes on by itself."


def slots_of(facts: Facts) -> str:
    """Say how the slots of the workers that may claim are used."""
    taken = sum(facts.busy.values())
    if taken < facts.slots:
        return f"{facts.slots - taken} of {count(facts.slots, 'slot')} free"
    kinds = " and ".join(f"{count} of kind {kind}" for kind, count in sorted(facts.busy.items()))
    return f"all {count(facts.slots, 'slot')} of the workers are busy with {kinds or 'nothing'}"


def failure_of(facts: Facts) -> str:
    """Name the last failure; its text is left out where the reader may not see it."""
    return f"{facts.error_code}: {facts.error}" if facts.error else f"{facts.error_code}"


def count(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def time_of(seconds: float) -> str:
    """A length of time to read at a glance."""
    minutes = seconds / 60
    if minutes < 2:  # noqa: PLR2004 -- as short as it reads well
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"  # noqa: PLR2004 -- as above
