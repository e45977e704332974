"""What the watchdog takes for a defect, and what it doesn't."""

import threading
from uuid import uuid4

from structlog.testing import capture_logs

from relais.store.claim import ClaimedJob
from relais.turns import Turns
from relais_worker.engine.runs import Abort, Run
from relais_worker.watchdog import Watchdog, Watched


def _run() -> Run:
    ids = [uuid4() for _ in range(4)]
    job = ClaimedJob(
        id=ids[0], kind="answer", queue="ai-messages", agent_id=ids[1], subject_id=ids[2], serial_key=ids[3],
        attempt=1, attempt_limit=3, deadline_s=300.0, retry_backoff_s=1.0, max_attempts=3,
    )  # fmt: skip
    return Run(job, stall_s=60, flush=lambda text: None)


def _looks(watchdog: Watchdog, times: int) -> list[bool]:
    return [watchdog.sees_all_well() for _ in range(times)]


def test_threads_and_attempts_in_good_order_are_no_defect():
    """A living thread, a turn within its limit, and an attempt that nobody told to stop are all well."""
    threads = [Watched("a", alive=True), Watched("b", alive=True, busy_s=9.0, limit_s=10.0)]
    watchdog = Watchdog(lambda: threads, lambda: [_run()], grace_s=0.0)
    assert _looks(watchdog, 5) == [True] * 5


def test_a_dead_thread_and_a_turn_without_an_end_are_defects():
    """They stay found, and are reported once."""
    for thread in (Watched("dead-one", alive=False), Watched("late-one", alive=True, busy_s=11.0, limit_s=10.0)):
        watchdog = Watchdog(lambda found=thread: [found], list, grace_s=1.0)
        with capture_logs() as said:
            assert _looks(watchdog, 5) == [True, True, False, False, False]
        assert watchdog.found_defect
        assert [event["thread"] for event in said] == [thread.name]


def test_an_attempt_that_does_not_stop_is_a_defect_once_the_grace_is_over():
    """It is named with its job, its thread and the place where it is stuck."""
    run = _run()
    patient = Watchdog(list, lambda: [run], grace_s=60.0)
    strict = Watchdog(list, lambda: [run], grace_s=0.0)
    run.abort(Abort.CANCELLED)
    assert _looks(patient, 5) == [True] * 5
    with capture_logs() as said:
        assert _looks(strict, 3) == [True, True, False]
    (defect,) = said
    assert defect["job"] == str(run.job.id)
    assert defect["thread"] == threading.current_thread().name
    assert "_find" in defect["stuck_in"]


def test_settling_may_take_its_time():
    """While the database is away, an attempt that is done waits for it on purpose."""
    run = _run()
    run.begin_settling(patience_s=60.0)
    assert run.late_s == 0.0
    hasty = _run()
    hasty.begin_settling()
    assert hasty.late_s > 0.0


def test_a_process_that_was_stopped_as_a_whole_is_not_taken_for_one_that_hangs():
    """After SIGCONT everything looks late until the threads have run: one look that finds all well starts anew."""
    late = [Watched("heartbeat", alive=True, busy_s=100.0, limit_s=10.0)]
    threads = list(late)
    watchdog = Watchdog(lambda: threads, list, grace_s=1.0)
    assert _looks(watchdog, 2) == [True, True]
    threads.clear()
    assert _looks(watchdog, 1) == [True]
    threads += late
    assert _looks(watchdog, 2) == [True, True]


def test_a_thread_between_its_turns_is_not_busy():
    """Only the time within a turn counts."""
    turns = Turns()
    assert turns.busy_s == 0.0
    turns.begin()
    assert turns.busy_s > 0.0
    turns.end()
    assert turns.busy_s == 0.0
