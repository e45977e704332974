"""Looks at the figures every few seconds, and follows the alerts."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from relais.store.reading import reading
from relais.store.silences import Silence, active_silences
from relais_monitor.alerts.board import Alerting, Board
from relais_monitor.alerts.gather import gather
from relais_monitor.alerts.instance import Instance, Key, Phase
from relais_monitor.alerts.judging import follow, inhibited, judge
from relais_monitor.alerts.late_minutes import LateMinutes
from relais_monitor.alerts.memory import Memory, keep, recall
from relais_monitor.alerts.notifying.desk import ChannelStatus, Desk
from relais_monitor.alerts.notifying.leadership import Leadership
from relais_monitor.snapshot import Snapshot

_READING_LIMIT_S = 2.0
_STOP_LIMIT_S = 10.0

log = structlog.get_logger(__name__)


class AlertWatch:
    """A thread that looks; everybody else reads its board.

    Args:
        read: gives the snapshot that the metrics are made from; None while the database is away.
        engine: the monitor's pool, for silences and the lock of the monitor that notifies.
        given: how to watch.
        clock: gives Unix times.
    """

    def __init__(
        self,
        read: Callable[[], Snapshot | None],
        engine: Engine,
        given: Alerting,
        *,
        clock: Callable[[], float] = time.time,
        first_wait_s: float = 2.0,
    ) -> None:
        self._read = read
        self._engine = engine
        self._given = given
        self._clock = clock
        memory = recall(given.home, clock())
        self._late = LateMinutes(memory.late)
        self._desk = Desk(given.channels, Leadership(engine), memory.told, first_wait_s=first_wait_s)
        self.board = Board(alerts=memory.alerts)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    @property
    def notifies(self) -> bool:
        """Whether this monitor is the one that tells people."""
        return self._desk.leads

    def channels(self) -> list[ChannelStatus]:
        """How the channels do."""
        return self._desk.status()

    def start(self) -> None:
        """Begin to look and to tell."""
        self._desk.start()
        self._thread.start()

    def stop(self) -> None:
        """End, and keep what is known."""
        self._stopping.set()
        self._thread.join(_STOP_LIMIT_S)
        self._desk.stop()
        self._keep(self._clock())

    def look(self) -> None:
        """Look once."""
        now = self._clock()
        snapshot = self._read()
        if snapshot is not None:
            self._late.note(snapshot.stats.backlog.oldest_waiting_s, now)
        judgement = judge(None if snapshot is None else gather(snapshot, self._late.shares(now)))
        alerts = follow(self.board.alerts, judgement, now)
        _log_changes(self.board.alerts, alerts)
        silences = self._silences(now, database_up=snapshot is not None)
        causes = inhibited(alerts.values())
        self.board = Board(now, snapshot is not None, alerts, judgement.unknown, causes, silences)
        self._desk.inform(alerts, causes | set(silences), now, database_up=snapshot is not None)
        self._keep(now)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.look()
            except Exception:
                # Whatever it is, a watch that died silently would be worse: the log has it, and the next look may do.
                log.exception("alerts.look_failed")
            self._stopping.wait(self._given.every_s)

    def _silences(self, now: float, *, database_up: bool) -> dict[str, Silence]:
        # Those that are known hold on while the database is away, which isn't asked then: that may take long.
        found = [known for known in self.board.silences.values() if known.ends_at.timestamp() > now]
        if database_up:
            with (
                suppress(DBAPIError, PoolTimeoutError),
                reading(self._engine, limit_s=_READING_LIMIT_S) as conn,
            ):
                found = active_silences(conn)
        return {silence.rule: silence for silence in found}  # in the order of their ends: the last one counts

    def _keep(self, now: float) -> None:
        keep(self._given.home, Memory(self.board.alerts, self._desk.told(), self._late.export()), now)


def _log_changes(before: Mapping[Key, Instance], after: Mapping[Key, Instance]) -> None:
    for key, alert in after.items():
        old = before.get(key)
        if alert.phase is not Phase.PENDING and (old is None or old.phase is not alert.phase):
            event = "alert.firing" if alert.phase is Phase.FIRING else "alert.resolved"
            log.warning(event, rule=alert.rule, value=alert.value, **dict(alert.labels))
