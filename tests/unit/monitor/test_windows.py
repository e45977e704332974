"""Windows and plots: which events fall into them, and what is said of them."""

from uuid import UUID

import pytest

from relais.store.ledger import LedgerEvent
from relais_monitor.tally.minutes import DAY_S, HOUR_S, MINUTE_S, Minutes
from relais_monitor.windows import add_up_window, plot

NOON = 1_795_348_800 // DAY_S * DAY_S + DAY_S / 2
AGENT = UUID(int=7)


def end(
    at: float, outcome: str = "completed", *, kind: str = "answer", wait_s: float | None = 1, took_s: float = 2, **more
):
    """An event that ended a job."""
    return LedgerEvent(
        id=1,
        at=at,
        kind=kind,
        agent_id=AGENT,
        transition={"completed": "complete", "failed": "fail", "cancelled": "cancel"}[outcome],
        from_state="processing",
        to_state=outcome,
        error_code=None,
        wait_us=None if wait_s is None else int(wait_s * 1_000_000),
        processing_us=int(took_s * 1_000_000),
        attempts=1,
        **more,
    )


def day(*events: LedgerEvent) -> Minutes:
    minutes = Minutes()
    for event in events:
        minutes.record(event)
    return minutes


@pytest.mark.parametrize(
    ("name", "age_s", "inside"),
    [
        ("5m", 299, True), ("5m", 361, False), ("1h", HOUR_S - 1, True), ("1h", HOUR_S + 61, False),
        ("24h", DAY_S - 1, True), ("24h", DAY_S + 61, False),
        ("today", DAY_S / 2, True), ("today", DAY_S / 2 + 1, False),
    ],
)  # fmt: skip
def test_what_falls_into_a_window(name, age_s, inside):
    """Whole minutes and the current one: the window and at most a minute more; today begins at midnight."""
    window = add_up_window(day(end(NOON - age_s)).view(), name, NOON)
    assert window.outcomes.finished == int(inside)
    assert window.seconds == NOON - window.since


def test_what_is_said_of_a_window():
    """Means are per job; the failure ratio leaves cancelled jobs out, and so does the processing time."""
    events = [
        end(NOON - 30, took_s=4),
        end(NOON - 20, "failed", wait_s=3, took_s=8),
        end(NOON - 10, "cancelled", wait_s=None),
    ]
    window = add_up_window(day(*events, end(NOON - 5, kind="ingest")).view(), "5m", NOON)
    answers = window.by_kind["answer"]
    assert (answers.completed, answers.failed, answers.cancelled, answers.finished) == (1, 1, 1, 3)
    assert (answers.failure_ratio, answers.mean_wait_s, answers.mean_processing_s) == (0.5, 2.0, 6.0)
    assert window.outcomes.finished == 4


def test_an_empty_window_has_counts_but_no_means():
    """Nothing finished is known; what it took is not."""
    outcomes = add_up_window(Minutes().view(), "1h", NOON).outcomes
    assert (outcomes.finished, outcomes.failure_ratio, outcomes.mean_wait_s, outcomes.wait_p95_s) == (
        0,
        None,
        None,
        None,
    )


def test_tokens_per_second_are_those_of_generations_that_were_timed():
    """An answer without a time counts for the tokens, not for the speed."""
    timed = end(NOON - 1, model="m", grounded=True, tokens_prompt=7, tokens_completion=30, generate_ms=1500.0)
    untimed = end(NOON - 1, model="m", grounded=True, tokens_prompt=1, tokens_completion=5)
    use = add_up_window(day(timed, untimed).view(), "5m", NOON).models["m"]
    assert (use.answers, use.tokens_prompt, use.tokens_completion, use.tokens_per_second) == (2, 8, 35, 20.0)


@pytest.mark.parametrize(("name", "step_s", "points"), [("1h", MINUTE_S, 61), ("24h", 600, 145)])
def test_a_plot_has_no_holes(name, step_s, points):
    """Every step is there, oldest first; each event is in exactly one."""
    events = [end(NOON - age_s) for age_s in range(0, 3_500, 7)]
    steps = plot(day(*events).view(), name, NOON)
    assert [point.at for point in steps] == [NOON - step_s * back for back in range(points - 1, -1, -1)]
    assert sum(point.outcomes.completed for point in steps) == len(events)


def test_hours_are_the_sums_of_their_minutes():
    """Whole hours are added at once, and give what their minutes give."""
    minutes = day(*(end(NOON - DAY_S / 2 + n * 37) for n in range(800)))
    view = minutes.view()
    since = int(NOON - DAY_S / 2)
    by_minute = sum(sums.count("finished") for start, sums in view.minutes.items() if since <= start < NOON)
    assert view.sums(since, int(NOON)).count("finished") == by_minute == 800


def test_a_view_stays_what_it_was():
    """What is recorded later, or read back from the file, doesn't change what somebody looks at."""
    minutes = day(end(NOON))
    view = minutes.view()
    minutes.record(end(NOON))
    assert (
        add_up_window(view, "5m", NOON).outcomes.finished,
        view.sums(int(NOON), int(NOON) + 60).count("finished"),
    ) == (1, 1)
    again = Minutes.from_plain(minutes.to_plain())
    assert add_up_window(again.view(), "1h", NOON) == add_up_window(minutes.view(), "1h", NOON)


def test_only_a_day_is_kept():
    """Memory doesn't grow with time."""
    minutes = day(*(end(NOON - hours * HOUR_S) for hours in range(0, 100, 5)))
    minutes.forget_before(NOON)
    assert len(minutes.view().minutes) == 6
    assert len(minutes.view().hours) == 6
