"""What the conditions of the alerts look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from relais.lifecycle import State
from relais.parts import Part
from relais.queues import Kind

OBJECTIVE_WAIT_S: Final = 60
"""A message that is taken up within this time was served in time; a bound of the histogram of waits."""
OBJECTIVE_SHARE: Final = 0.99
"""The share of messages that have to be served in time."""
BURN_WINDOWS_S: Final = (300, 1800, 3600, 21600)


@dataclass(frozen=True, slots=True)
class Ended:
    """Jobs of one kind that ended within a window, and what the last attempts of those not cancelled took."""

    completed: int = 0
    failed: int = 0
    mean_processing_s: float | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """What the ledger says of the time until now.

    Attributes:
        ended_5m: what ended in the last five minutes, by kind.
        failed_24h: jobs that failed in the last day.
        expired_10m: leases that ran out in the last ten minutes.
        superseded_15m: results that the fence kept out in the last fifteen minutes.
        duplicates_24h: completions in the last day of jobs that were complete already.
        late_waits: by kind and window in seconds, the share of waits beyond the objective; a window in which no job
            ended is missing.
        late_counts: by kind and window in seconds, how many waited beyond the objective.
    """

    ended_5m: Mapping[Kind, Ended]
    failed_24h: int
    expired_10m: int
    superseded_15m: int
    duplicates_24h: int
    late_waits: Mapping[tuple[Kind, int], float]
    late_counts: Mapping[tuple[Kind, int], int]


@dataclass(frozen=True, slots=True)
class Figures:
    """One moment of the system, as the monitor's snapshot says.

    Attributes:
        now: the database's time, a Unix time.
        broker_alarms: what RabbitMQ is short of; None when nobody knows.
        late_oldest: by kind and window in seconds, the share of time in which the oldest waiting job was beyond the
            objective.
        past: None while the monitor still reads the ledger after its start.
    """

    now: float
    jobs: Mapping[tuple[Kind, State], int]
    longest_processing_s: Mapping[Kind, float]
    workers_alive: int
    workers_waiting: Mapping[Part, int]
    sweeper_ran_at: float | None
    broker_up: bool | None
    broker_alarms: frozenset[str] | None
    queues_paused: tuple[str, ...]
    late_oldest: Mapping[tuple[Kind, int], float]
    past: Past | None

    def waiting(self, kind: Kind) -> int:
        """Jobs of a kind that wait for their turn."""
        return self.jobs[kind, State.PENDING] + self.jobs[kind, State.QUEUED]
