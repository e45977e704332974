"""Faults of the processes: worker, sweeper and API killed, stopped, told to end, at every moment of a job's life."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial

import psutil

from faults.fault import Fault
from faults.register import read_holders
from faults.rig import Rig
from support.proxy_flow import Direction
from support.stack import Service
from support.waiting import wait_until

Inject = Callable[[Rig, random.Random], AbstractContextManager[object]]

_JUST_CLAIMED = """
SELECT CAST(job_id AS text) FROM job_events e
WHERE transition = 'claim' AND at > clock_timestamp() - interval '0.2 seconds'
  AND EXISTS (SELECT FROM leases l WHERE l.job_id = e.job_id AND l.attempt = e.attempt) ORDER BY id DESC LIMIT 1"""
_WITH_A_DRAFT = "SELECT CAST(d.job_id AS text) FROM drafts d JOIN leases l USING (job_id, attempt) LIMIT 1"
_MOVED_ON = """
SELECT count(*) FROM job_events e JOIN job_events gone USING (job_id)
WHERE job_id = ANY(CAST(:jobs AS uuid[])) AND gone.id > :event AND gone.transition = 'expire'
  AND e.id > gone.id AND e.transition = ANY(:names)"""
_CANCELLED = """
SELECT count(DISTINCT job_id) FROM job_events
WHERE job_id = ANY(CAST(:jobs AS uuid[])) AND id > :event AND transition = 'cancel'"""
_LAST_EVENT = "SELECT coalesce(max(id), 0) FROM job_events"
_POISON_STATE = "SELECT state FROM every_job WHERE id = CAST(:job AS uuid)"
# The worker of this process held a job when it died: it still does, or the job was taken from it.
_HELD_AT_DEATH = """
SELECT count(*) FROM workers w WHERE w.name LIKE '%:' || :pid AND (
  EXISTS (SELECT FROM leases l WHERE l.worker_id = w.id)
  OR EXISTS (SELECT FROM job_events e WHERE e.worker_id = w.id AND e.transition IN ('expire', 'expire_spent')))"""
_MOMENT_S = 15.0
_POISONED_S = 60.0
_ENDED_S = 60.0
_CRASHES = 3
_TRIES = 5
_LAST_WORD = b'"done":true'  # ends a generation
_COMMIT = b"COMMIT"
_COMMITTED = b"COMMIT\0"  # as the server confirms it
_ANSWER_STORED = b"INSERT 0 1"  # of what a worker writes in a transaction, only an answer is inserted by a bare INSERT


def _holder_when(rig: Rig, query: str) -> Service:
    """The worker of a job that is where the query looks for it."""
    return wait_until(
        lambda: (job := rig.scalar(query)) and rig.holder(str(job)), _MOMENT_S, "a job is at the moment of the fault"
    )


def _kill_at_work(rig: Rig, worker: Service, *, group: bool = True) -> None:
    """Kill a worker.

    Raises:
        AssertionError: it held no job, so that its death has harmed nothing.
    """
    assert worker.popen is not None
    pid = worker.popen.pid
    rig.kill(worker, group=group)
    assert rig.scalar(_HELD_AT_DEATH, pid=str(pid)), "the worker held no job when it was killed"


@contextmanager
def _kill_holder(query: str, rig: Rig, _rng: random.Random, *, group: bool) -> Iterator[None]:
    _kill_at_work(rig, _holder_when(rig, query), group=group)
    yield


@contextmanager
def _kill_any(rig: Rig, rng: random.Random) -> Iterator[None]:
    rig.kill(rng.choice(rig.workers))
    yield


@contextmanager
def _kill_after_generation(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """Between the model's last word and the commit of the answer, give or take: the worker that heard that word."""
    with _killing(rig) as killer:
        rig.ollama_proxy.cut_when(_LAST_WORD, "to_client", before=False, meanwhile=killer)
    yield


@contextmanager
def _kill_at_commit(rig: Rig, _rng: random.Random, *, arrives: bool) -> Iterator[None]:
    """When the commit of an answer was to be sent; or when it has committed, before the worker knows."""
    pattern, direction = (_COMMITTED, "to_client") if arrives else (_COMMIT, "to_server")
    towards: Direction = direction  # type: ignore[assignment] # one of the two literals
    with _killing(rig) as killer:
        rig.database_proxy.cut_when(
            pattern, towards, before=True, only=b"relais-worker", after=_ANSWER_STORED, meanwhile=killer
        )
    yield


@contextmanager
def _killing(rig: Rig) -> Iterator[Callable[[int], Callable[[], None]]]:
    """Yield what finds the worker that is connected from a port, and then kills it; ends when that is done."""
    killed: list[Service] = []

    def find(port: int) -> Callable[[], None]:
        connected = [worker for worker in rig.workers if _is_connected_from(worker, port)]
        return lambda: kill(connected)

    def kill(workers: list[Service]) -> None:
        for worker in workers:
            rig.kill(worker)
        killed.extend(workers)

    yield find
    wait_until(lambda: killed, _MOMENT_S, "a worker is killed at the moment of the fault")


def _is_connected_from(service: Service, port: int) -> bool:
    assert service.popen is not None
    try:
        sockets = psutil.Process(service.popen.pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return False
    return any(socket.raddr and socket.laddr.port == port for socket in sockets)


@contextmanager
def _kill_all(rig: Rig, rng: random.Random) -> Iterator[None]:
    rig.busy_worker(rng)
    with rig.supervisor.suspended():
        for worker in rig.workers:
            rig.kill(worker)
        yield


@contextmanager
def _kill_service(rig: Rig, rng: random.Random, *, which: str) -> Iterator[None]:
    service: Service = getattr(rig, which)
    with rig.supervisor.suspended():
        rig.kill(service)
        yield


@contextmanager
def _terminate(rig: Rig, rng: random.Random, *, times: int = 1) -> Iterator[None]:
    """It finishes or hands back what it runs, and ends by itself; of its status `nobody_gave_up` is the judge."""
    popen = rig.busy_worker(rng).popen
    assert popen is not None
    for _ in range(times):
        with suppress(ProcessLookupError):  # it was quick
            os.killpg(popen.pid, signal.SIGTERM)
        time.sleep(rng.uniform(0.05, 0.5))
    yield
    assert popen.wait(_ENDED_S) != -signal.SIGTERM, "the worker was ended by the signal instead of stopping"


@contextmanager
def _stop_for_a_moment(rig: Rig, rng: random.Random) -> Iterator[None]:
    """Shorter than the lease: nothing may be taken from the worker."""
    with rig.pausing(rig.busy_worker(rng)):
        time.sleep(rng.uniform(0.2, 0.5) * rig.lease_s)
    yield


@contextmanager
def _stop_past_lease(rig: Rig, _rng: random.Random, *, until: tuple[str, ...]) -> Iterator[None]:
    """Until another attempt of one of its jobs has come as far as the named transitions; then it comes back."""
    for _ in range(_TRIES):
        worker = _holder_when(rig, _WITH_A_DRAFT)
        with rig.pausing(worker):
            if _superseded(rig, worker, until):
                break
    else:
        raise AssertionError("no worker was stopped with a job that nobody cancelled")
    yield


def _superseded(rig: Rig, stopped: Service, until: tuple[str, ...]) -> bool:
    """Wait for another attempt of a job whose lease lapsed; False when it has none, or clients cancelled them all."""
    jobs = [job for job, name in read_holders(rig.engine).items() if rig.worker_called(name) is stopped]
    event = rig.scalar(_LAST_EVENT)

    def moved_on() -> object:
        return rig.scalar(_MOVED_ON, jobs=jobs, event=event, names=list(until))

    wait_until(
        lambda: moved_on() or rig.scalar(_CANCELLED, jobs=jobs, event=event) == len(jobs),
        2 * rig.lease_s + 20.0,
        f"another attempt of one of {jobs} came as far as {until}",
    )
    return bool(moved_on())


@contextmanager
def _poison(rig: Rig, rng: random.Random) -> Iterator[None]:
    """A message that kills each worker that claims it."""
    job = rig.submit("Which words kill a worker?", token=rig.poison_token, expect=("failed", "worker_lost"))
    for _ in range(_CRASHES):
        worker = wait_until(partial(rig.holder, job), _POISONED_S, "a worker holds the poison")
        rig.kill(worker)
    wait_until(lambda: rig.scalar(_POISON_STATE, job=job) == "failed", _POISONED_S, "the poison is given up")
    yield


_AT_ONCE = (0.0, 0.2)
# The job of a killed worker runs again at once: its lease of 20 s, of which 15 s or more are left, is not waited for.
_NOT_AFTER_A_LEASE_S = 15.0
_WORKERS_START_S = 60.0  # nobody works until they are up again

FAULTS: tuple[Fault, ...] = (
    Fault(
        "worker.sigkill.before_generation",
        partial(_kill_holder, _JUST_CLAIMED, group=True),
        _AT_ONCE,
        budget_s=_NOT_AFTER_A_LEASE_S,
        pace="slow",
    ),
    Fault(
        "worker.sigkill.during_generation",
        partial(_kill_holder, _WITH_A_DRAFT, group=True),
        _AT_ONCE,
        budget_s=_NOT_AFTER_A_LEASE_S,
        pace="slow",
        shortcut=True,
    ),
    Fault(
        "worker.sigkill.during_generation.process_alone",
        partial(_kill_holder, _WITH_A_DRAFT, group=False),
        _AT_ONCE,
        budget_s=_NOT_AFTER_A_LEASE_S,
        pace="slow",
    ),
    Fault(
        "worker.sigkill.after_generation",
        _kill_after_generation,
        _AT_ONCE,
        budget_s=_NOT_AFTER_A_LEASE_S,
        pace="slow",
    ),
    Fault("worker.sigkill.before_commit", partial(_kill_at_commit, arrives=False), _AT_ONCE, shortcut=True),
    Fault("worker.sigkill.after_commit", partial(_kill_at_commit, arrives=True), _AT_ONCE, shortcut=True),
    Fault("worker.sigkill.any_moment", _kill_any, _AT_ONCE),
    Fault("worker.sigkill.all_at_once", _kill_all, (0.2, 2.0), budget_s=_WORKERS_START_S, pace="slow"),
    Fault("worker.sigstop.shorter_than_lease", _stop_for_a_moment, _AT_ONCE, pace="slow"),
    Fault(
        "worker.sigstop.until_next_attempt_runs",
        partial(_stop_past_lease, until=("claim",)),
        _AT_ONCE,
        pace="slow",
        shortcut=True,
    ),
    Fault(
        "worker.sigstop.until_another_finished",
        partial(_stop_past_lease, until=("complete", "fail")),
        _AT_ONCE,
        pace="slow",
    ),
    Fault("worker.sigterm", _terminate, _AT_ONCE, pace="slow", costs_attempts=False),
    Fault(
        "worker.sigterm.twice",
        partial(_terminate, times=2),
        _AT_ONCE,
        pace="slow",
        shortcut=True,
        costs_attempts=False,
    ),
    Fault("worker.poison", _poison, _AT_ONCE, budget_s=_WORKERS_START_S, pace="slow", mixes=False),
    Fault("api.sigkill", partial(_kill_service, which="api"), (0.0, 1.0), shortcut=True),
    Fault("sweeper.sigkill", partial(_kill_service, which="sweeper"), (0.5, 3.0)),
)
