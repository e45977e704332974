"""Looks at the processes and connections once all is quiet: what is more than it should be."""

import time
from dataclasses import dataclass, field

import psutil
from sqlalchemy import text

from faults.rig import Rig
from support.rabbitmq_admin import RabbitMQAdmin

_SETTLES_WITHIN_S = 8.0
_AGAIN_S = 0.25
# A pool, a cache or a log may open one more; what leaks with every trial soon exceeds these.
_MORE_THREADS, _MORE_FILES = 6, 12
_LISTS = ("connections", "channels")
# What each process may keep open, by its settings: the pool of the worker is its threads and two more.
_POOLS = {"relais-api": 10, "relais-worker": 6, "relais-sweeper": 2, "relais-monitor": 2}
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
    """Remembers how big the processes of each service were when they were first quiet.

    The largest of a service counts: one may be looked at while it connects again.
    """

    rig: Rig
    known: set[int] = field(default_factory=set)
    sizes: dict[str, Size] = field(default_factory=dict)

    def leaks(self) -> list[str]:
        """What is more than it should be, and stays so for some seconds."""
        self.rig.wait_ready()  # one that starts at this moment would be remembered as small
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
        found = [leak for service in self.rig.services for leak in self._grown(service.module, service.popen)]
        with self.rig.engine.begin() as conn:
            rows = list(conn.execute(_CONNECTIONS))
        for row in rows:
            allowed = _POOLS.get(row.name, 0) * (_WORKERS if row.name == "relais-worker" else 1)
            if row.connections > allowed:
                found.append(f"PostgreSQL has {row.connections} connections of {row.name}, at most {allowed} are right")
        return found + self._broker()

    def _grown(self, module: str, popen: object) -> list[str]:
        pid = int(popen.pid)  # type: ignore[attr-defined] # a running service has one
        try:
            process = psutil.Process(pid)
            now = Size(process.num_threads(), process.num_fds(), len(process.children()))
        except psutil.NoSuchProcess:
            return [f"{module} ({pid}) is not there"]
        first = self.sizes.get(module, now)
        if pid not in self.known:
            self.known.add(pid)
            first = self.sizes[module] = first.at_least(now)
        limits = Size(first.threads + _MORE_THREADS, first.files + _MORE_FILES, first.children)
        return [
            f"{module} ({pid}) has {getattr(now, what)} {what}, its kind began with {getattr(first, what)}"
            for what in Size.__slots__
            if getattr(now, what) > getattr(limits, what)
        ]

    def _broker(self) -> list[str]:
        """Connections that no process of ours holds, and channels beyond one for each."""
        with RabbitMQAdmin.of(self.rig.rabbitmq) as admin:
            connections, channels = (len(admin.client.get(f"/{what}").raise_for_status().json()) for what in _LISTS)
        port = self.rig.broker_proxy.port
        held = sum(_connections_to(port, service.popen) for service in self.rig.services)
        found = [("connections", connections, held), ("channels", channels, held)]
        return [f"RabbitMQ has {count} {what}, at most {most} are right" for what, count, most in found if count > most]

    def _compare(self) -> list[str]:
        shown = _samples(self.rig.http.get(f"{self.rig.monitor_url}/metrics", timeout=10).raise_for_status().text)
        with self.rig.engine.begin() as conn:
            expected = {name: float(value) for name, value in conn.execute(_EXPECTED)}
        return [
            f"{name} is {shown.get(name)}, the database says {value}"
            for name, value in expected.items()
            if shown.get(name) != value
        ]


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
SELECT 'relais_attempts_superseded_total', count(*) FROM job_events WHERE transition = 'superseded'""")


def _connections_to(port: int, popen: object) -> int:
    try:
        sockets = psutil.Process(int(popen.pid)).net_connections("tcp")  # type: ignore[attr-defined] # a running service has one
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
