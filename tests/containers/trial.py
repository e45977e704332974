"""One fault under load: harm, heal, wait, check."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from containers.database import have_ended, lost_and_duplicated, processing
from containers.load import Load
from containers.report import Row
from containers.system import System
from faults.checker import CHECKS
from faults.checker.evidence import Allowed, Evidence
from faults.checker.leases import lease_respected
from faults.checker.quiet import metrics_equal_sql, nothing_leaks
from faults.collecting import count_unfinished, read_rows
from faults.sampler import Sampler
from faults.workload import Workload
from support.soundness import assert_ledger_sound
from support.waiting import wait_until

# Long enough that every fault meets running answers.
_ANSWER_S = 1.0
_LOADED = 12
# These judge processes that the suite of `make faults` has started itself.
_ELSEWHERE = (lease_respected, nothing_leaks, metrics_equal_sql)


def under_load(system: System, fault: str, harm: Callable[[], None], *, budget_s: float = 60.0) -> Load:
    """Harm the system while clients post; `harm` returns when it is healed. Everything must be answered once."""
    wait_until(system.is_whole, 180, "every container is well before the fault")
    began = time.time()
    system.history.begin(fault.replace(" ", "-"))
    load, chat, sampler = system.load(), Workload(system, random.Random(fault)), Sampler(system.engine)
    with system.model(first_token_delay_s=_ANSWER_S), _running(sampler), _running(load), _running(chat):
        wait_until(lambda: len(load.accepted) >= _LOADED and processing(system.engine), 60, "the load runs")
        harm()
        healed_at, before = time.time(), list(load.accepted)
        wait_until(lambda: have_ended(system.engine, before), budget_s, f"recovered from {fault}")
        recovered_s = time.time() - healed_at
    wait_until(lambda: count_unfinished(system.engine, system.history.trial, began) == 0, 90, "all answered")
    _tell(system, fault, load, recovered_s)
    _judge(system, sampler, began, healed_at, Allowed(fault, budget_s, may_answer_ungrounded=True))
    return load


@contextmanager
def _running(part: Sampler | Load | Workload) -> Iterator[None]:
    part.start()
    try:
        yield
    finally:
        part.stop()


def _tell(system: System, fault: str, load: Load, recovered_s: float) -> None:
    lost, twice = lost_and_duplicated(system.engine, load.accepted)
    figures = (load.count(503), len(load.broken()), load.refused_for_s(), load.slowest_s())
    system.rows.append(Row(fault, len(load.accepted), lost, twice, recovered_s, *figures))
    assert (lost, twice) == (0, 0)


def _judge(system: System, sampler: Sampler, began: float, healed_at: float, allowed: Allowed) -> None:
    evidence = Evidence(
        entries=system.history.entries(),
        leases=sampler.leases,
        wrong_places=sampler.wrong_places,
        healed_at=healed_at,
        allowed=allowed,
        **read_rows(system.engine, system.history.trial, began),
    )
    violations = [found for check in CHECKS if check not in _ELSEWHERE for found in check(evidence)]
    assert not violations, violations[:3]
    assert_ledger_sound(system.engine)
