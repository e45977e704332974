"""A job's life as attempts, made from the ledger."""

from datetime import UTC, datetime, timedelta

from relais.lifecycle import TRANSITIONS, State
from relais.timeline import Event, attempts_of

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def events(*told: tuple[float, str, str, int]) -> list[Event]:
    """Events at so many seconds after the start; every attempt is made by the worker of its number."""
    return [
        Event(
            START + timedelta(seconds=at),
            transition,
            target,
            attempt,
            worker=attempt or None,
            worker_name=f"host-{attempt}" if attempt else None,
            error_code="worker_lost" if transition.startswith("expire") else None,
        )
        for at, transition, target, attempt in told
    ]


def test_an_attempt_has_its_worker_its_length_and_its_end() -> None:
    """The plain life: accepted, claimed after 2 s, completed after 5 more."""
    (attempt,) = attempts_of(
        events((0, "accept", "pending", 0), (0.1, "announce", "queued", 0), (2, "claim", "processing", 1),
               (7, "complete", "completed", 1))
    )  # fmt: skip
    assert (attempt.number, attempt.worker, attempt.worker_name) == (1, 1, "host-1")
    assert (attempt.waited_s, attempt.duration_s(), attempt.outcome) == (2.0, 5.0, "complete")
    assert attempt.cause == "It completed the job."
    assert attempt.error_code is None


def test_each_attempt_waits_from_the_end_of_the_one_before() -> None:
    """A crash, a failure that may mend itself, and a success: three attempts, each with its own wait."""
    told = attempts_of(
        events((0, "accept", "pending", 0), (1, "claim", "processing", 1), (21, "expire", "queued", 1),
               (22, "claim", "processing", 2), (25, "retry_later", "queued", 2),
               (55, "claim", "processing", 3), (60, "complete", "completed", 3))
    )  # fmt: skip
    assert [(a.outcome, a.waited_s, a.duration_s()) for a in told] == [
        ("expire", 1.0, 20.0), ("retry_later", 1.0, 3.0), ("complete", 30.0, 5.0)
    ]  # fmt: skip
    assert told[0].error_code == "worker_lost"


def test_an_attempt_that_runs_has_no_end() -> None:
    """Its length so far is told for a given moment only."""
    (attempt,) = attempts_of(events((0, "accept", "pending", 0), (1, "claim", "processing", 1)))
    assert (attempt.ended, attempt.outcome, attempt.cause, attempt.duration_s()) == (None, None, None, None)
    assert attempt.duration_s(START + timedelta(seconds=4)) == 3.0


def test_a_cancel_ends_only_an_attempt_that_runs() -> None:
    """Cancelled while it waits for another attempt, the last attempt keeps its own end."""
    running = attempts_of(events((0, "claim", "processing", 1), (2, "cancel", "cancelled", 1)))
    waiting = attempts_of(
        events((0, "claim", "processing", 1), (1, "retry_later", "queued", 1), (2, "cancel", "cancelled", 1))
    )
    assert [attempt.outcome for attempt in running + waiting] == ["cancel", "retry_later"]
    assert attempts_of(events((0, "accept", "pending", 0), (2, "cancel", "cancelled", 0))) == []


def test_a_person_s_retry_begins_a_new_wait() -> None:
    """What lies between the failure and the retry isn't waiting."""
    told = attempts_of(
        events((0, "claim", "processing", 1), (1, "fail", "failed", 1), (100, "retry", "queued", 1),
               (103, "claim", "processing", 2))
    )  # fmt: skip
    assert [attempt.waited_s for attempt in told] == [None, 3.0]


def test_a_result_that_came_late_is_noted() -> None:
    """An attempt that was unlocked and finished all the same: its end stays the unlock."""
    told = attempts_of(
        events((0, "claim", "processing", 1), (5, "unlock", "queued", 1), (6, "claim", "processing", 2),
               (7, "superseded", "processing", 1))
    )  # fmt: skip
    assert [(attempt.outcome, attempt.came_late) for attempt in told] == [("unlock", True), (None, False)]
    assert told[0].cause == "An operator took it from the worker and put it back."


def test_a_late_result_begins_no_new_wait() -> None:
    """It is noted with the state that the job has then, which may be that of waiting."""
    told = attempts_of(
        events((0, "claim", "processing", 1), (20, "expire", "queued", 1), (28, "superseded", "queued", 1),
               (30, "claim", "processing", 2))
    )  # fmt: skip
    assert [attempt.waited_s for attempt in told] == [None, 10.0]


def test_a_hand_back_says_what_was_away() -> None:
    """A worker that was stopped is one cause, a model server that is down another."""
    stopped, away = (
        attempts_of([Event(START, "claim", "processing", 1), Event(START, "hand_back", "queued", 1, error_code=code)])[
            0
        ]
        for code in (None, "ollama_unreachable")
    )
    assert "was stopped" in str(stopped.cause)
    assert "ollama_unreachable" in str(away.cause)
    assert "stopped" not in str(away.cause)


def test_a_ledger_that_lost_its_beginning_is_told_as_far_as_it_reaches() -> None:
    """Of an attempt whose claim was pruned, the end is known and the length isn't."""
    (attempt,) = attempts_of(events((5, "complete", "completed", 4)))
    assert (attempt.number, attempt.began, attempt.duration_s(), attempt.outcome) == (4, None, None, "complete")
    assert attempts_of(events((5, "superseded", "queued", 3))) == []


def test_every_arrow_that_leaves_processing_ends_the_attempt_with_a_cause() -> None:
    """A new arrow needs its words."""
    for arrow in TRANSITIONS:
        if State.PROCESSING in arrow.sources:
            told = attempts_of(events((0, "claim", "processing", 1), (1, arrow.name, str(arrow.target), 1)))
            assert told[0].cause, arrow.name
