"""Adds up the last minutes: over windows, and step by step for plots."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from relais.lifecycle import State
from relais.queues import Kind
from relais_monitor.tally.minutes import DAY_S, MINUTE_S, Day
from relais_monitor.tally.recording import COMPLETION, PROMPT
from relais_monitor.tally.sums import Sums

WindowName = Literal["5m", "1h", "24h", "today"]
PlotName = Literal["1h", "24h"]
WINDOWS: Final[tuple[WindowName, ...]] = ("5m", "1h", "24h", "today")
PLOT_STEPS_S: Final[Mapping[PlotName, int]] = {"1h": MINUTE_S, "24h": 10 * MINUTE_S}
_LENGTHS_S: Final = {"5m": 5 * MINUTE_S, "1h": 60 * MINUTE_S, "24h": DAY_S}
_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The jobs that ended within a time, of one kind or of all; None is what nothing can be said of.

    Waits are from the acceptance, or a person's retry, to the first claim since; processing is the last attempt of
    completed and failed jobs.
    """

    completed: int
    failed: int
    cancelled: int
    mean_wait_s: float | None
    wait_p50_s: float | None
    wait_p95_s: float | None
    mean_processing_s: float | None

    @property
    def finished(self) -> int:
        """All that reached a final state."""
        return self.completed + self.failed + self.cancelled

    @property
    def failure_ratio(self) -> float | None:
        """The share of failed jobs in those that weren't cancelled."""
        ended = self.completed + self.failed
        return self.failed / ended if ended else None

    @classmethod
    def of(cls, sums: Sums, kind: str | None = None) -> "Outcomes":
        """Read them from sums of minutes."""
        kinds = list(Kind) if kind is None else [kind]
        wait = sums.histogram("wait", *([] if kind is None else [kind]))
        counts = {state: sum(sums.count("finished", each, state) for each in kinds) for state in State}
        processed = sum(sums.count("processed", each) for each in kinds)
        processing_us = sum(sums.count("processing_us", each) for each in kinds)
        return cls(
            counts[State.COMPLETED],
            counts[State.FAILED],
            counts[State.CANCELLED],
            _seconds(wait.mean()),
            _seconds(wait.quantile(0.5)),
            _seconds(wait.quantile(0.95)),
            _seconds(processing_us / processed if processed else None),
        )


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What one model did within a time; `tokens_per_second` are those written per second of generation."""

    answers: int
    tokens_prompt: int
    tokens_completion: int
    tokens_per_second: float | None

    @classmethod
    def of(cls, sums: Sums, model: str) -> "ModelUse":
        """Read it from sums of minutes."""
        generate_us = sums.count("generate_us", model)
        return cls(
            sums.count("answers", model),
            sums.count("tokens", model, PROMPT),
            sums.count("tokens", model, COMPLETION),
            sums.count("timed_tokens", model) / (generate_us / _US) if generate_us else None,
        )


@dataclass(frozen=True, slots=True)
class Window:
    """What happened since a time, which is a whole minute: seconds since 1970; `seconds` is how long ago it is."""

    since: float
    seconds: float
    outcomes: Outcomes
    by_kind: Mapping[Kind, Outcomes]
    models: Mapping[str, ModelUse]


@dataclass(frozen=True, slots=True)
class Point:
    """One step of a plot that begins at `at`, in seconds since 1970."""

    at: float
    outcomes: Outcomes
    tokens_prompt: int
    tokens_completion: int


def add_up_window(day: Day, name: WindowName, now: float) -> Window:
    """Add up the whole minutes of a window and the current one so far; today begins at midnight UTC."""
    minute = int(now) // MINUTE_S * MINUTE_S
    since = minute // DAY_S * DAY_S if name == "today" else minute - _LENGTHS_S[name]
    # What the database's clock stamped after `now` was read belongs to this minute or the next.
    sums = day.sums(since, minute + 2 * MINUTE_S)
    models = sorted({labels[0] for labels, _ in sums.counters("answers")})
    return Window(
        since,
        now - since,
        Outcomes.of(sums),
        {kind: Outcomes.of(sums, kind) for kind in Kind},
        {model: ModelUse.of(sums, model) for model in models},
    )


def plot(day: Day, name: PlotName, now: float, kind: str | None = None) -> list[Point]:
    """The steps of the last hour or day, oldest first, without holes; the last one isn't over yet."""
    step_s = PLOT_STEPS_S[name]
    last = int(now) // step_s * step_s
    starts = range(last - _LENGTHS_S[name], last + 1, step_s)
    return [_point(day.sums(start, start + step_s), start, kind) for start in starts]


def _point(sums: Sums, start: int, kind: str | None) -> Point:
    tokens = dict.fromkeys((PROMPT, COMPLETION), 0)
    if kind in {None, Kind.ANSWER}:  # nothing else has any
        for (_, direction), count in sums.counters("tokens"):
            tokens[direction] += count
    return Point(start, Outcomes.of(sums, kind), tokens[PROMPT], tokens[COMPLETION])


def _seconds(microseconds: float | None) -> float | None:
    return None if microseconds is None else microseconds / _US
