"""Stems that people use for one another when they ask."""

from functools import cache

from relais_models.text.terms import stem

_FAMILIES = (
    "die dies died dead death crash crashes killed kill gone",
    "recover recovery repair restore fix heal",
    "begin start launch boot",
    "stop end halt quit shut",
    "delete remove erase drop",
    "error failure fail fault problem",
    "create add make new",
    "change modify update edit alter adjust",
    "show display print list",
    "setting option configuration configure parameter variable",
    "cost price fee charge",
    "buy purchase order",
    "allow permit",
    "fast quick speed rapid",
    "slow delay latency",
    "big large size limit maximum",
    "answer reply response respond",
    "question ask query",
    "message chat",
    "document file",
    "install setup installation",
    "test verify check",
    "wait waiting pending queue",
    "lose loses lost losing loss missing",
    "twice duplicate duplicated double",
    "again retry repeat",
    "machine computer host server",
    "command cli terminal",
    "money refund payment pay",
    "ship shipping deliver delivery",
    "phone telephone call",
    "mail email",
    "key secret token password credential",
    "store save keep persist",
    "metric measure monitor monitoring observe",
    "order position place line",
    "worker process",
    "forbid forbidden refuse reject deny",
)


@cache
def kin() -> dict[str, tuple[int, ...]]:
    """Each stem's families, by number."""
    found: dict[str, tuple[int, ...]] = {}
    for number, family in enumerate(_FAMILIES):
        for member in dict.fromkeys(stem(word) for word in family.split()):
            found[member] = (*found.get(member, ()), number)
    return found
