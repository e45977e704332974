"""Looks at the processes and connections once all is quiet: what is more than it should be."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil
from sqlalchemy import text

from faults.rig import Rig
from support.rabbitmq_admin import RabbitMQAdmin
from support.stack import Service

_SETTLES_WITHIN_S = 8.0
_AGAIN_S = 0.25
# A pool, a cache or a log may open one more; what leaks with every trial soon exceeds these.
_MORE_THREADS, _MORE_FILES = 6, 12
_LISTS = ("connections", "channels")
# What each process may keep open, by its settings; a worker's heartbeat has one of its own.
POOLS = {"relais-api": 10, "relais-worker": 6, "relais-sweeper": 2, "relais-monitor": 5}
# To the broker: a thread that publishes has one, a worker one more for each queue; one may be about to be replaced.
_TO_BROKER = {"relais_api": 3, "relais_worker": 7, "relais_worker.sweeper": 3, "relais_monitor": 1}
_CONNECTIONS = text("""
SELECT application_name AS name, count(*) AS connections FROM pg_stat_activity
WHERE application_name LIKE 'relais-%' GROUP BY 1""")
_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Size:
    """Of one process."""

    threads: int
    files: int
    children: int

    def at_least(self, other: "Size") -> "Size":
        """The larger of both, in each respect."""
        return Size(*(max(getattr(self, what), getattr(other, what)) for what in Size.__slots__))


@dataclass
class Quietness:
    """Remembers how big the processes of each service were when this was made: on a rig that has just started.

    A process that is started later must be content with that too; of several processes, the largest counts.
    """

    rig: Rig
    sizes: dict[str, Size] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for service in self.rig.services:
            size = _size(_pid(service))
            self.sizes[service.module] = size.at_least(self.sizes.get(service.module, size))

    def leaks(self) -> list[str]:
        """What is more than it should be, and stays so for some seconds."""
        self.rig.wait_ready()
        deadline = time.monotonic() + _SETTLES_WITHIN_S
        while (found := self._look()) and time.monotonic() < deadline:
            time.sleep(_AGAIN_S)
        return found

    def wrong_metrics(self) -> list[str]:
        """Where the monitor differs from the database, and goes on to differ."""
        deadline = time.monotonic() + _SETTLES_WITHIN_S
        while (found := self._compare()) and time.monotonic() < deadline:
            time.sleep(_AGAIN_S)
        return found

    def _look(self) -> list[str]:
        found = [leak for service in self.rig.services for leak in self.grown(service)]
        with self.rig.engine.begin() as conn:
            rows = list(conn.execute(_CONNECTIONS))
        for row in rows:
            allowed = POOLS.get(row.name, 0) * (_WORKERS if row.name == "relais-worker" else 1)
            if row.connections > allowed:
                found.append(f"PostgreSQL has {row.connections} connections of {row.name}, at most {allowed} are right")
        return found + self._broker()

    def grown(self, service: Service) -> list[str]:
        """What a process has more of than its kind began with, give or take."""
        module, pid = service.module, _pid(service)
        try:
            now = _size(pid)
        except psutil.NoSuchProcess:
            return [f"{module} ({pid}) is not there"]
        first = self.sizes[module]
        limits = Size(first.threads + _MORE_THREADS, first.files + _MORE_FILES, first.children)
        return [
            f"{module} ({pid}) has {getattr(now, what)} {what}, its kind began with {getattr(first, what)}"
            for what in Size.__slots__
            if getattr(now, what) > getattr(limits, what)
        ]

    def _broker(self) -> list[str]:
        """Connections that no process of ours holds, channels beyond one for each, and who holds too many."""
        with RabbitMQAdmin.of(self.rig.rabbitmq) as admin:
            connections, channels = (len(admin.client.get(f"/{what}").raise_for_status().json()) for what in _LISTS)
        port = self.rig.broker_proxy.port
        own = [(service.module, _connections_to(port, _pid(service))) for service in self.rig.services]
        held = sum(count for _, count in own)
        found = [
            ("RabbitMQ has {} connections", connections, held),
            ("RabbitMQ has {} channels", channels, held),
            *((f"{module} has {{}} connections to RabbitMQ", count, _TO_BROKER[module]) for module, count in own),
        ]
        return [f"{what.format(count)}, at most {most} are right" for what, count, most in found if count > most]

    def _compare(self) -> list[str]:
        shown = _samples(self.rig.http.get(f"{self.rig.monitor_url}/metrics", timeout=10).raise_for_status().text)
        with self.rig.engine.begin() as conn:
            expected = {name: float(value) for name, value in conn.execute(_EXPECTED)}
        return differences(shown, expected)


def differences(shown: Mapping[str, float], expected: Mapping[str, float]) -> list[str]:
    """Where the compared families differ; what the tables have no row for is 0, or not shown at all."""
    names = sorted({name for name in shown if name.partition("{")[0] in _COMPARED} | expected.keys())
    return [
        f"{name} is {shown.get(name)}, the database says {expected.get(name, 0.0)}"
        for name in names
        if shown.get(name, None if name in expected else 0.0) != expected.get(name, 0.0)
    ]


_COMPARED = frozenset(
    {
        "relais_jobs",
        "relais_jobs_finished_total",
        "relais_leases_expired_total",
        "relais_attempts_superseded_total",
    }
)
_EXPECTED = text("""
SELECT format('relais_jobs{kind="%s",state="%s"}', kind, state), count(*) FROM every_job GROUP BY kind, state
UNION ALL
SELECT format('relais_jobs_finished_total{agent="%s",kind="%s",outcome="%s"}', a.slug, j.kind, e.to_state), count(*)
FROM job_events e JOIN every_job j ON j.id = e.job_id JOIN agents a ON a.id = j.agent_id
WHERE e.transition <> 'superseded' AND e.to_state IN ('completed', 'failed', 'cancelled')
GROUP BY a.slug, j.kind, e.to_state
UNION ALL
SELECT 'relais_leases_expired_total', count(*) FROM job_events WHERE transition IN ('expire', 'expire_spent')
UNION ALL
SELECT 'relais_attempts_superseded_total', count(*) FROM job_events
WHERE transition = 'superseded' AND from_state <> 'cancelled'""")


def _pid(service: Service) -> int:
    assert service.popen is not None
    return service.popen.pid


def _size(pid: int) -> Size:
    process = psutil.Process(pid)
    return Size(process.num_threads(), process.num_fds(), len(process.children()))


def _connections_to(port: int, pid: int) -> int:
    try:
        sockets = psutil.Process(pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return 0
    return sum(bool(socket.raddr) and socket.raddr.port == port for socket in sockets)


def _samples(exposition: str) -> dict[str, float]:
    """Each sample by its name with the labels in alphabetical order."""
    found = {}
    for line in exposition.splitlines():
        if line and not line.startswith("#"):
            series, _, value = line.rpartition(" ")
            name, brace, labels = series.partition("{")
            ordered = ",".join(sorted(labels.removesuffix("}").split(",")))
            found[f"{name}{{{ordered}}}" if brace else name] = float(value)
    return found
