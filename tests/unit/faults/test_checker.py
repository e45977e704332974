"""The checker of the fault suite can fail: each invariant finds evidence that breaks it, and passes a sound trial."""

from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest

from faults.checker import CHECKS, check
from faults.checker.evidence import Allowed, Event, Evidence, GaveUp, Job, Worker
from faults.facts import FACTS
from faults.history import Entry
from faults.sampler import LeaseSeen, WrongPlace
from faults.windows import Window, Windows

M1, M2 = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
M3 = "00000000-0000-0000-0000-000000000003"
PID = 4711
FACT, OTHER = list(FACTS.values())[:2]


@dataclass
class Case:
    """A sound trial to be spoilt: two messages of one session, the first of which needed two attempts."""

    entries: list[Entry] = field(
        default_factory=lambda: [
            Entry(1, 0.0, "c0", "submit", "invoke", {"key": "k1", "content": "one"}),
            Entry(1, 0.1, "c0", "submit", "ok", {"id": M1}),
            Entry(2, 0.2, "c0", "submit", "invoke", {"key": "k2", "content": "two"}),
            Entry(2, 0.3, "c0", "submit", "unknown"),
            Entry(3, 9.0, "c0", "poll", "invoke", {"id": M1}),
            Entry(3, 9.1, "c0", "poll", "ok", {"id": M1, "status": "completed", "content": "first"}),
        ]
    )
    jobs: dict[str, Job] = field(
        default_factory=lambda: {
            M1: Job(M1, "completed", 2, None, "s", 1, "one", "k1", "a", 2, "first"),
            M2: Job(M2, "completed", 1, None, "s", 2, "two", "k2", "a", 1, "second"),
        }
    )
    events: list[Event] = field(
        default_factory=lambda: [
            Event(1, M1, 0.1, "accept", None, "pending", 0),
            Event(2, M1, 0.2, "announce", "pending", "queued", 0),
            Event(3, M1, 0.3, "claim", "queued", "processing", 1, 7),
            Event(4, M2, 0.3, "accept", None, "pending", 0),
            Event(5, M1, 5.0, "expire", "processing", "queued", 1, 7, "worker_lost"),
            Event(6, M1, 5.1, "claim", "queued", "processing", 2, 8),
            Event(7, M1, 6.0, "complete", "processing", "completed", 2, 8),
            Event(8, M2, 6.1, "claim", "pending", "processing", 1, 8),
            Event(9, M2, 7.0, "complete", "processing", "completed", 1, 8),
        ]
    )
    more: dict[str, object] = field(default_factory=dict)

    def evidence(self) -> Evidence:
        known: dict[str, object] = {
            "workers": {7: Worker(7, PID), 8: Worker(8, PID + 1)},
            "leases": [
                LeaseSeen(1.0, UUID(M1), 1, 7, 21.0),
                LeaseSeen(5.5, UUID(M1), 2, 8, 25.5),
            ],
            "deaths": {PID: 1.5},
            "healed_at": 2.0,
            "allowed": Allowed(budget_s=30.0),
        }
        return Evidence(entries=self.entries, jobs=list(self.jobs.values()), events=self.events, **(known | self.more))  # type: ignore[arg-type] # the keys are the fields

    def job(self, job: str, **changes: object) -> None:
        self.jobs[job] = replace(self.jobs[job], **changes)

    def event(self, number: int, **changes: object) -> None:
        self.events[number - 1] = replace(self.events[number - 1], **changes)


def shown(message: str, state: str, *, at: float = 10.0) -> list[Entry]:
    """What a client asked and was shown of a message."""
    told = {"id": message, "status": state, "content": None}
    call = int(at * 10)
    return [Entry(call, at, "c0", "poll", "invoke", {"id": message}), Entry(call, at + 0.1, "c0", "poll", "ok", told)]


def answered(answer: str, *, may_answer_ungrounded: bool = False) -> Case:
    """A trial whose second message was to be answered with the fact, and got this."""
    case = Case(more={"allowed": Allowed(may_answer_ungrounded=may_answer_ungrounded)})
    case.entries[2] = replace(case.entries[2], values={**case.entries[2].values, "answer": FACT})
    case.job(M2, answer=answer)
    return case


def broken(case: Case) -> set[str]:
    """The invariants that the checker finds broken."""
    return {violation.invariant for violation in check(case.evidence())}


def test_a_sound_trial_breaks_nothing():
    """A message that was unknown to its client, a worker that died and a second attempt are all in order."""
    assert broken(Case()) == set()


def test_every_invariant_has_a_name_of_its_own_function():
    """A violation names the function that found it, so that its docstring says what was promised."""
    assert len({invariant.__name__ for invariant in CHECKS}) == len(CHECKS)


@pytest.mark.parametrize(
    ("state", "error_code"), [("processing", None), ("queued", None), ("failed", "model_timeout"), ("cancelled", None)]
)
def test_accepted_ends(state: str, error_code: str | None):
    """A message that hangs, failed for a reason that the fault doesn't permit, or was cancelled by nobody, is lost."""
    case = Case()
    case.job(M1, state=state, error_code=error_code)
    assert "accepted_ends" in broken(case)


def test_accepted_ends_permits_what_the_fault_does():
    """A permitted reason and a cancel that was asked for are honest ends."""
    case = Case(more={"allowed": Allowed(may_fail_with=frozenset({"model_timeout"}))})
    case.job(M1, state="failed", error_code="model_timeout", answered_by=None)
    case.job(M2, state="cancelled", answered_by=None)
    case.entries.append(Entry(9, 1.0, "c1", "cancel", "invoke", {"id": M2}))
    assert "accepted_ends" not in broken(case)


def test_accepted_ends_as_expected():
    """A poison message that is answered after all is a violation, since it was expected to be given up."""
    case = Case()
    case.entries[0] = replace(case.entries[0], values={**case.entries[0].values, "expect": ("failed", "worker_lost")})
    assert "accepted_ends" in broken(case)


def test_nobody_accepted_unknown_misses_a_message():
    """A message that was acknowledged and isn't stored is lost."""
    case = Case()
    del case.jobs[M1]
    assert "nobody_accepted_unknown" in broken(case)


@pytest.mark.parametrize("kind", ["fail", "ok"])
def test_nobody_accepted_unknown_finds_a_stranger(kind: str):
    """A stored message whose sender was told no, or another id, comes from nowhere."""
    case = Case()
    case.entries[3] = Entry(2, 0.3, "c0", "submit", kind, {"id": M1})  # type: ignore[arg-type] # one of the kinds
    assert "nobody_accepted_unknown" in broken(case)


def test_same_key_same_message_as_told():
    """A repeated post that gets another id has made a second message."""
    case = Case()
    case.entries[2] = replace(case.entries[2], values={"key": "k1", "content": "two"})
    case.entries[3] = Entry(2, 0.3, "c0", "submit", "ok", {"id": M2})
    assert "same_key_same_message" in broken(case)


def test_same_key_same_message_as_stored():
    """Two rows with one key are two messages, whatever their senders were told."""
    case = Case()
    case.job(M2, key="k1")
    assert "same_key_same_message" in broken(case)


def test_answered_once_finds_a_second_completion():
    """A job that was completed twice was answered twice."""
    case = Case()
    case.events.append(Event(10, M1, 8.0, "complete", "processing", "completed", 2, 7))
    assert "answered_once" in broken(case)


@pytest.mark.parametrize("answered_by", [None, 1])
def test_answered_once_finds_a_missing_or_stale_answer(answered_by: int | None):
    """The answer must be there, and be that of the attempt that the row names."""
    case = Case()
    case.job(M1, answered_by=answered_by)
    assert "answered_once" in broken(case)


def test_answered_once_finds_an_answer_of_a_message_that_has_none():
    """A cancelled message with an answer was both."""
    case = Case()
    case.job(M1, state="cancelled")
    assert "answered_once" in broken(case)


def test_told_the_truth_of_the_text():
    """A client that was shown another answer than the stored one was lied to."""
    case = Case()
    case.job(M1, answer="another")
    assert "told_the_truth" in broken(case)


def test_told_the_truth_of_the_end():
    """A client that is shown `completed` is never shown another state later."""
    case = Case()
    case.entries += [
        Entry(4, 9.5, "c0", "poll", "invoke", {"id": M1}),
        Entry(4, 9.6, "c0", "poll", "ok", {"id": M1, "status": "processing", "content": None}),
    ]
    assert "told_the_truth" in broken(case)


@pytest.mark.parametrize("state", ["failed", "cancelled", "completed"])
def test_told_the_truth_of_ends_that_never_were(state: str):
    """A client is never shown an end that the ledger doesn't have."""
    case = Case()
    case.jobs[M2] = replace(case.jobs[M2], state="processing", answered_by=None, answer=None)
    del case.events[-1]
    case.entries += shown(M2, state)
    assert "told_the_truth" in broken(case)


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_told_the_truth_of_ends_that_a_retry_undid(end: str):
    """A client that is shown a failure or a cancel is shown another state later only when somebody retried."""
    case = Case(more={"allowed": Allowed(may_fail_with=frozenset({"model_timeout"}))})
    transition, code = ("fail", "model_timeout") if end == "failed" else ("cancel", None)
    case.event(9, transition=transition, target=end)
    case.job(M2, state=end, error_code=code, answered_by=None, answer=None)
    case.entries += [
        Entry(7, 6.9, "c1", "cancel", "invoke", {"id": M2}),
        *shown(M2, end),
        *shown(M2, "queued", at=11.0),
    ]
    assert broken(case) == {"told_the_truth"}
    case.entries.append(Entry(8, 9.0, "c1", "retry", "invoke", {"id": M2}))
    case.events.append(Event(10, M2, 10.5, "retry", end, "queued", 1))
    assert "told_the_truth" not in broken(case)


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (FACT, False),
        (f"{FACT[:-1]} [3].", False),
        (OTHER, True),
        (f"{FACT} {OTHER}", True),
        (FACT[:20], True),
        ("The given passages don't answer this question.", True),
    ],
    ids=["right", "cited", "of another", "of two", "cut off", "none"],
)
def test_answered_rightly(answer: str, *, wrong: bool):
    """An answer that is another message's, that says more, less or nothing, is wrong."""
    assert ("answered_rightly" in broken(answered(answer))) is wrong


@pytest.mark.parametrize(("answer", "wrong"), [("I know nothing.", False), (FACT[:20], False), (OTHER, True)])
def test_answered_rightly_where_the_fault_takes_the_facts(answer: str, *, wrong: bool):
    """Without its passages an answer may miss the fact, but never give another message's."""
    assert ("answered_rightly" in broken(answered(answer, may_answer_ungrounded=True))) is wrong


def test_serves_again():
    """What isn't ready after the healing is a violation, and no failure of the suite."""
    assert broken(Case(more={"not_serving": ["API, monitor and workers are ready: not within 40 s"]})) == {
        "serves_again"
    }


@pytest.mark.parametrize(
    ("module", "status", "wrong"),
    [("relais_worker", 1, False), ("relais_worker", -11, True), ("relais_worker.sweeper", 1, True)],
)
def test_nobody_gave_up(module: str, status: int, *, wrong: bool):
    """No process ends by itself but of a service that the fault lets, and no fault lets one crash."""
    allowed = Allowed(may_give_up=frozenset({"relais_worker"}))
    case = Case(more={"gave_up": [GaveUp(3.0, module, status)], "allowed": allowed})
    assert ("nobody_gave_up" in broken(case)) is wrong
    assert "nobody_gave_up" in broken(Case(more={"gave_up": [GaveUp(3.0, module, status)]}))


def test_attempts_rise_by_one():
    """A claim that doesn't raise the attempt has no fence."""
    case = Case()
    case.event(6, attempt=1)
    assert "attempts_rise" in broken(case)


def test_attempts_rise_and_no_stale_attempt_writes():
    """An attempt that was superseded must not settle."""
    case = Case()
    case.event(7, attempt=1)
    assert "attempts_rise" in broken(case)


def test_what_is_noted_as_fenced_off_was():
    """An attempt that recorded its own end is not noted as fenced off; one that another superseded may be."""
    case = Case()
    case.events.append(Event(10, M1, 7.5, "superseded", "completed", "completed", 1, 7))
    assert "fenced_off_truly" not in broken(case)
    case.events.append(Event(11, M1, 7.6, "superseded", "completed", "completed", 2, 8))
    assert "fenced_off_truly" in broken(case)


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        (1, {"transition": "announce", "target": "queued"}),
        (3, {"target": "queued"}),
        (4, {"source": "failed"}),
        (8, {"transition": "unheard_of"}),
    ],
    ids=["no beginning", "another end", "born of something", "no arrow"],
)
def test_attempts_rise_along_arrows(number: int, changes: dict[str, str]):
    """A life begins with its acceptance and goes on along the arrows of the state diagram."""
    case = Case()
    case.event(number, **changes)
    assert "attempts_rise" in broken(case)


def test_attempts_rise_along_a_chain():
    """Each transition leaves the state that the one before entered."""
    case = Case()
    case.event(6, source="pending")
    assert "attempts_rise" in broken(case)


def test_terminal_stays_without_a_person():
    """A completed job that is claimed again was not left alone; nor was a failed one that nobody asked to retry."""
    case = Case()
    case.events.append(Event(10, M2, 8.0, "retry", "completed", "queued", 1))
    assert "terminal_stays" in broken(case)


def test_one_lease():
    """Two attempts with running leases, of which the first was never ended, hold one job."""
    case = Case()
    del case.events[4]
    assert "one_lease" in broken(case)


def test_lease_respected_by_the_clock():
    """A lease that was to run for some more seconds must not have run out."""
    case = Case()
    case.event(5, error_code="lease_expired")
    assert "lease_respected" in broken(case)


def test_lease_respected_while_the_worker_lives():
    """A worker that did not die must not be taken for dead."""
    assert "lease_respected" in broken(Case(more={"deaths": {}}))


def test_lease_respected_permits_what_a_lost_database_brings():
    """A worker that the nemesis cut off from the database may be taken for dead."""
    windows = Windows([Window(4.0, 4.5)])
    assert broken(Case(more={"deaths": {}, "database_harmed": windows})) == set()


def test_session_order():
    """A message that began before the earlier one of its session ended has overtaken it."""
    case = Case()
    case.event(8, at=5.05)
    assert "session_order" in broken(case)


def test_session_order_beyond_neighbours():
    """A message waits for every earlier one of its session, not only for the one before it."""
    case = Case()
    case.jobs[M3] = Job(M3, "cancelled", 0, None, "s", 2, "three", None, "a")
    case.job(M2, ticket=3)
    case.event(8, at=5.05)
    case.entries += [
        Entry(5, 0.3, "c0", "submit", "invoke", {"key": "k3", "content": "three"}),
        Entry(6, 0.4, "c0", "cancel", "invoke", {"id": M3}),
    ]
    case.events += [
        Event(10, M3, 0.4, "accept", None, "pending", 0),
        Event(11, M3, 0.5, "cancel", "pending", "cancelled", 0),
    ]
    assert broken(case) == {"session_order"}


def test_position_equals_oracle():
    """A position that isn't the count is wrong."""
    wrong = WrongPlace(1.0, UUID(M1), 2, 1)
    assert broken(Case(more={"wrong_places": [wrong]})) == {"position_equals_oracle"}


def test_announced_was_confirmed():
    """An announcement while nothing can be confirmed was a guess; one just after the beginning was on its way."""
    case = Case(more={"unconfirmed": Windows([Window(-2.0, 4.0)])})
    assert broken(case) == {"announced_was_confirmed"}
    assert broken(Case(more={"unconfirmed": Windows([Window(0.1, 4.0)])})) == set()


def test_recovered_in_time():
    """A message that ends later than the budget allows did not recover in time."""
    assert broken(Case(more={"allowed": Allowed(budget_s=3.0)})) == {"recovered_in_time"}


def test_nothing_leaks():
    """What a process has more of than before is a leak."""
    assert broken(Case(more={"leaks": ["a worker has 400 files"]})) == {"nothing_leaks"}


def test_metrics_equal_sql():
    """A figure of the monitor that the database doesn't confirm is wrong."""
    assert broken(Case(more={"wrong_metrics": ["relais_jobs is 1, the database says 2"]})) == {"metrics_equal_sql"}


def test_attempts_spared():
    """A fault that may cost no attempt is broken by a lapsed lease, unless it says that it may cost some."""
    assert "attempts_spared" in broken(Case(more={"allowed": Allowed(costs_attempts=False)}))
    assert "attempts_spared" not in broken(Case())


def test_attempts_spared_minds_the_database_only():
    """An attempt that failed by itself is charged; one that lacked the database is not, and may be handed back."""
    case = Case(more={"allowed": Allowed(costs_attempts=False)})
    for transition, error_code, charged in (
        ("retry_later", "model_timeout", False),
        ("retry_later", "database_unavailable", True),
        ("hand_back", "database_unavailable", False),
    ):
        case.events[4] = replace(case.events[4], transition=transition, error_code=error_code)
        assert ("attempts_spared" in broken(case)) is charged
