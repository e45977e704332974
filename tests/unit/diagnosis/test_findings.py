"""Which findings a diagnosis names, as tables: what makes each fire, and what is close to it and doesn't."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer

from relais.diagnosis import Code, Facts, Finding, Severity, diagnose
from relais.diagnosis.facts import (
    Breach,
    Broken,
    FailureGroup,
    Oldest,
    PausedAgent,
    Poison,
    QueueFacts,
    Run,
    SilentWorker,
    StrayLease,
)
from relais.diagnosis.limits import WAIT_OBJECTIVE_S
from relais.explain import Cause, Explanation
from relais.lifecycle import State
from relais.queues import QUEUE_NAMES
from relais_cli.app import make_app
from relais_monitor.alerts.figures import OBJECTIVE_WAIT_S

REF = "0123456789ab"
MESSAGES = QueueFacts("ai-messages", slots_idle=4, tokens=1)
BUSY = replace(MESSAGES, waiting=7)
WELL = Facts("0004", "0004", queues=[MESSAGES, QueueFacts("documents")], sweeper_age_s=0.5, broker_up=True)
RUN = Run(
    REF, "ai-messages", attempt=1, worker_id=7, runs_s=12.0, deadline_s=300.0, lease_s=19.0, worker_age_s=0.3
)  # fmt: skip


def _queue(queue: QueueFacts = BUSY, **changed: Any) -> Facts:
    return replace(WELL, queues=[replace(queue, **changed)])


def _run(**changed: Any) -> Facts:
    return replace(WELL, runs=[RUN, replace(RUN, **changed)])


def _waits(waits_s: float, cause: Cause) -> Facts:
    return _queue(oldest=Oldest(REF, waits_s, Explanation(cause, "Why it waits.", "What to do.")))


def _late(eligible_waits_s: float, **changed: Any) -> Facts:
    return _queue(eligible=7, eligible_waits_s=eligible_waits_s, **changed)


def _failed(error_code: str) -> Facts:
    return replace(WELL, failures=[FailureGroup(error_code, 3, 7_200.0, 60.0, [REF])])


def _poison(state: State, lost: int) -> Facts:
    return replace(WELL, poison=[Poison(REF, state, lost)])


def _broken(breach: Breach) -> Facts:
    return replace(WELL, broken=[Broken(breach, REF, State.COMPLETED, 2, 1)])


CRITICAL, WARNING, INFO = Severity
FIRING = {
    "another schema": (
        Facts(None, "0004"), Code.SCHEMA_OUTDATED, CRITICAL, "at nothing; this release needs 0004", "relais migrate",
    ),
    "completed twice": (
        _broken(Breach.COMPLETED_TWICE), Code.COMPLETED_TWICE, CRITICAL, "more than once", f"explain {REF}",
    ),
    "answer of another attempt": (
        _broken(Breach.ANSWER_OF_OTHER_ATTEMPT), Code.ANSWER_OF_OTHER_ATTEMPT, CRITICAL, "isn't the one", "back up",
    ),
    "answer of one not completed": (
        _broken(Breach.ANSWER_WITHOUT_COMPLETION), Code.ANSWER_WITHOUT_COMPLETION, CRITICAL, "not completed", "report",
    ),
    "completed without an answer": (
        _broken(Breach.COMPLETED_WITHOUT_ANSWER), Code.COMPLETED_WITHOUT_ANSWER, CRITICAL, "without an answer", "back",
    ),
    "sweeper late": (
        replace(WELL, sweeper_age_s=40.0), Code.SWEEPER_SILENT, CRITICAL, "last ran 40 s ago", "Start the sweeper",
    ),
    "sweeper never ran": (
        replace(WELL, sweeper_age_s=None), Code.SWEEPER_SILENT, CRITICAL, "never ran", "Start the sweeper",
    ),
    "broker down": (
        replace(_queue(), broker_up=False), Code.BROKER_DOWN, CRITICAL, "the 7 jobs waiting", "RELAIS_BROKER_URL",
    ),
    "no worker": (
        _queue(workers=0, slots_idle=0), Code.NO_WORKER, CRITICAL, "in which 7 jobs wait", "RELAIS_WORKER_QUEUES",
    ),
    "part down for all": (
        _queue(workers=2, workers_waiting=2, parts_down=("ollama",)), Code.PART_DOWN, CRITICAL,
        "2 of 2 workers of the queue ai-messages can't reach the model server (Ollama)", "RELAIS_OLLAMA_URL",
    ),
    "part down for one": (
        _queue(workers=2, workers_waiting=1, parts_down=("qdrant",)), Code.PART_DOWN, WARNING,
        "1 of 2 workers of the queue ai-messages can't reach the search index (Qdrant)", "check the network",
    ),
    "part down, nothing waits": (
        _queue(MESSAGES, workers_waiting=1, parts_down=("ollama",)), Code.PART_DOWN, WARNING, "0 jobs wait", "start it",
    ),
    "queue paused": (
        _queue(paused_for_s=600.0), Code.QUEUE_PAUSED, WARNING, "for 10 min; 7 jobs wait", "queue resume ai-messages",
    ),
    "queue paused, nothing waits": (
        _queue(MESSAGES, paused_for_s=600.0), Code.QUEUE_PAUSED, INFO, "0 jobs wait", "queue resume ai-messages",
    ),
    "agent paused": (
        replace(WELL, paused_agents=[PausedAgent("shop", 60.0, 1)]), Code.AGENT_PAUSED, WARNING,
        "1 job waits for it", "queue resume --agent shop",
    ),
    "agent paused, nothing waits": (
        replace(WELL, paused_agents=[PausedAgent("shop", 60.0, 0)]), Code.AGENT_PAUSED, INFO, "shop", "resume",
    ),
    "worker silent": (
        replace(WELL, silent_workers=[SilentWorker(7, "host:12", 45.0)]), Code.WORKER_SILENT, WARNING,
        "1 worker has not been heard of for up to 45 s", "end one that hangs",
    ),
    "no lease": (_run(lease_s=None), Code.NO_LEASE, CRITICAL, "1 job in processing has no lease", f"unlock {REF}"),
    "lease ended": (
        _run(lease_s=-8.0), Code.LEASE_EXPIRED, WARNING, "a lease that ended", "Nothing yet: the sweeper",
    ),
    "lease ended long ago": (_run(lease_s=-90.0), Code.LEASE_EXPIRED, CRITICAL, "for 90 s", f"unlock {REF}"),
    "lease ended, sweeper late": (
        replace(_run(lease_s=-8.0), sweeper_age_s=60.0), Code.LEASE_EXPIRED, CRITICAL, "a lease", "Start the sweeper",
    ),
    "worker unheard of": (
        _run(worker_age_s=12.0), Code.WORKER_GONE, WARNING, "a worker that is gone or silent", "Nothing yet",
    ),
    "worker forgotten": (_run(worker_age_s=None, runs_s=90.0), Code.WORKER_GONE, CRITICAL, "gone", "unlock"),
    "worker said goodbye": (_run(worker_gone_s=30.0), Code.WORKER_GONE, WARNING, "for 30 s", "Nothing yet"),
    "beyond the deadline": (
        _run(runs_s=400.0), Code.PAST_DEADLINE, CRITICAL, "longer than the deadline allows (for 100 s)", "unlock",
    ),
    "stray lease": (
        replace(WELL, stray_leases=[StrayLease(REF, State.COMPLETED, 1, 7, 3.0)]), Code.STRAY_LEASE, WARNING,
        "1 lease belongs to no running attempt", "by hand",
    ),
    "poison that comes back": (
        _poison(State.QUEUED, 2), Code.POISON, CRITICAL, "cost 2 workers their lives", f"queue cancel {REF}",
    ),
    "poison that runs": (_poison(State.PROCESSING, 2), Code.POISON, CRITICAL, "tried again", "Cancel it"),
    "poison that failed": (_poison(State.FAILED, 3), Code.POISON, WARNING, "cost 3 workers", f"queue retry {REF}"),
    "no token": (
        _late(30.0, tokens=0), Code.TOKENS_MISSING, CRITICAL, "7 jobs of ai-messages could start, the oldest for 30 s",
        "queue reconcile ai-messages",
    ),
    "tokens that nobody takes": (
        _late(30.0, tokens=7), Code.TOKENS_NOT_TAKEN, CRITICAL, "7 tokens in the broker are not taken", "restart them",
    ),
    "not announced": (
        _queue(unannounced=2), Code.NOT_ANNOUNCED, WARNING, "2 jobs of ai-messages are still pending", "reconcile",
    ),
    "waiting too long, in line": (
        _waits(75, Cause.IN_LINE), Code.WAITING_TOO_LONG, WARNING, "for 75 s, longer than the 60 s", "What to do.",
    ),
    "waiting too long, without a reason": (
        _waits(75, Cause.STARTING), Code.WAITING_TOO_LONG, CRITICAL, "Why it waits.", f"queue explain {REF}",
    ),
    "failures": (
        _failed("model_missing"), Code.FAILURES, WARNING, "3 jobs failed within a day with model_missing",
        "queue retry --error-code model_missing",
    ),
    "failures of what was sent": (
        _failed("unreadable_document"), Code.FAILURES, INFO, "last 60 s ago, first 2 h ago", "in what was sent",
    ),
}  # fmt: skip
QUIET = {
    "all is well": WELL,
    "work that waits for its turn": _waits(59, Cause.IN_LINE),
    "no worker where nothing waits": _queue(MESSAGES, workers=0),
    "a sweeper that is a round late": replace(WELL, sweeper_age_s=10.0),
    "a broker that is not known": replace(_queue(), broker_up=None),
    "a lease that has just ended": _run(lease_s=-2.0),
    "a worker that has just said goodbye": _run(worker_gone_s=2.0, worker_age_s=2.0),
    "a worker that missed a beat": _run(worker_age_s=3.0),
    "a run that is being ended at its deadline": _run(runs_s=310.0),
    "a first death of a worker": _poison(State.QUEUED, 1),
    "a failure that is found as poison": _failed("worker_lost"),
    "jobs that could start a moment ago": _late(3.0, tokens=0),
    "jobs that could start if a slot were free": _late(30.0, tokens=0, slots_idle=0),
    "tokens that are not known": _late(30.0, tokens=None),
}


@pytest.mark.parametrize("case", FIRING)
def test_each_situation_has_its_finding_its_words_and_its_remedy(case: str) -> None:
    """One finding of its kind, with the figures in its title and a next step that is safe."""
    facts, code, severity, says, remedy = FIRING[case]
    [found] = [one for one in diagnose(facts) if one.code is code]
    assert found.severity is severity
    assert says in found.title
    assert remedy in f"{found.recommendation} {found.command}"
    assert found.evidence


@pytest.mark.parametrize("case", QUIET)
def test_what_is_only_close_to_a_finding_is_none(case: str) -> None:
    """Work in its normal course raises no alarm, nor does what is not known."""
    assert diagnose(QUIET[case]) == []


def test_every_code_can_be_found() -> None:
    """The table above has every code that exists."""
    assert {code for _, code, *_ in FIRING.values()} == set(Code)


def test_every_queue_has_an_objective_and_messages_that_of_the_alerts() -> None:
    """An alert must not lead to a diagnosis that finds nothing wrong."""
    assert set(WAIT_OBJECTIVE_S) == set(QUEUE_NAMES)
    assert WAIT_OBJECTIVE_S["ai-messages"] == OBJECTIVE_WAIT_S


def test_a_stuck_job_is_found_once() -> None:
    """Without a lease, of a worker that is gone, beyond its deadline: the first that holds is its finding."""
    found = diagnose(_run(lease_s=None, worker_gone_s=600.0, runs_s=4_000.0))
    assert [(one.code, one.count) for one in found] == [(Code.NO_LEASE, 1)]


def test_the_worst_comes_first_and_causes_before_what_follows_from_them() -> None:
    """A reader mends from the top."""
    facts = replace(_waits(400, Cause.NO_WORKER), failures=_failed("model_missing").failures, sweeper_age_s=None)
    facts = replace(facts, queues=[replace(facts.queues[0], workers=0)], broken=_broken(Breach.COMPLETED_TWICE).broken)
    facts = replace(facts, failures=[*facts.failures, *_failed("unreadable_document").failures])
    assert [(one.code, one.severity) for one in diagnose(facts)] == [
        (Code.COMPLETED_TWICE, CRITICAL),
        (Code.SWEEPER_SILENT, CRITICAL),
        (Code.NO_WORKER, CRITICAL),
        (Code.WAITING_TOO_LONG, CRITICAL),
        (Code.FAILURES, WARNING),
        (Code.FAILURES, INFO),
    ]


def test_evidence_is_bounded_and_the_count_is_not() -> None:
    """Ten entries show what it is; the count says how much of it there is."""
    [found] = diagnose(replace(WELL, runs=[replace(RUN, lease_s=None)] * 25))
    assert (found.count, len(found.evidence), found.command) == (25, 10, "relais queue unlock")


def test_the_worst_of_a_kind_is_shown_first() -> None:
    """Of many stuck jobs, evidence begins with the one that is stuck longest."""
    runs = [replace(RUN, ref=f"{number:012x}", lease_s=-10.0 * number) for number in range(1, 15)]
    [found] = diagnose(replace(WELL, runs=runs))
    assert found.evidence[0]["ref"] == f"{14:012x}"


def _commands(found: list[Finding]) -> list[str]:
    return [one.command for one in found if one.command]


def test_every_command_of_a_finding_can_be_typed() -> None:
    """The command line has it, with these arguments and options; the queue is one that exists."""
    for command in _commands([one for facts, *_ in FIRING.values() for one in diagnose(facts)]):
        words = command.removeprefix("relais ").split()
        found = typer.main.get_command(make_app())
        while hasattr(found, "commands"):
            found, words = found.commands[words[0]], words[1:]
        found.make_context(command, words)  # raises what the program would refuse


def test_every_finding_is_explained_in_troubleshooting() -> None:
    """Whoever reads a code finds what it means and what to do, and no code that doesn't exist."""
    page = (Path(__file__).parents[3] / "docs" / "troubleshooting.md").read_text()
    section = page.split("## What the diagnosis finds")[1].split("\n## ")[0]
    first_cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", " ".join(first_cells))) == sorted(Code)


def test_no_command_changes_anything_by_itself() -> None:
    """What a finding tells to type shows first what it would do."""
    found = [one for facts, *_ in FIRING.values() for one in diagnose(facts)]
    assert _commands(found)
    assert not [command for command in _commands(found) if "--execute" in command]
