"""`relais up` under test: one home with clients at work on it, and the judgement of a trial."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from faults.chat_client import ChatClient
from faults.checker import check
from faults.checker.ends import ended_after_s
from faults.checker.evidence import Allowed, Evidence
from faults.collecting import count_unfinished, read_rows
from faults.furnishing import upload_facts
from faults.history import History, new_mark
from faults.result import TrialResult, Violation
from faults.submitting import Desk
from faults.trial import DUPLICATED, LOST
from relais.store.engine import make_engine
from relais_cli.parts.ports import free_port
from relais_cli.parts.postgres import EmbeddedPostgres
from support.up import RelaisUp
from support.waiting import wait_until

_CLIENTS = 3
_MESSAGES = 12
_PAUSE_S = 0.12
_PATIENCE_S = 60.0
_AGENT: dict[str, Any] = {
    "slug": "agent",
    "name": "Agent",
    "chat_model": "extractive",
    "embedding_model": "lexical",
    "allow_ungrounded": True,
    "retry_backoff_s": 0.5,
    "max_attempts": 20,
    "score_threshold": 0.0,
}


class NeverReadyError(Exception):
    """`relais up` did not become ready: no failure of the suite, but what the trial is to find."""


@dataclass
class House:
    """One home with the clients of its agent; its port is the same at every start."""

    fault: str
    seed: int
    up: RelaisUp
    history: History
    rng: random.Random
    port: str = field(default_factory=lambda: str(free_port()))
    deaths: dict[int, float] = field(default_factory=dict)
    not_serving: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.time)

    @classmethod
    @contextmanager
    def of_trial(cls, fault: str, seed: int, folder: Path) -> Iterator[Self]:
        """A fresh home in `folder`; whatever runs on it at the end is ended."""
        folder.mkdir(parents=True, exist_ok=True)
        rng = random.Random(f"{fault}:{seed}")
        house = cls(fault, seed, RelaisUp(folder), History(folder / "history.jsonl"), rng)
        house.history.begin(new_mark())
        try:
            yield house
        finally:
            if house.up.popen is not None and not house.up.has_ended:
                house.up.kill()
            house.history.close()

    def start(self) -> None:
        """Start it and wait until it is ready.

        Raises:
            NeverReadyError: it ended instead, or took longer than is promised.
        """
        try:
            self.up.start("--no-demo", "--port", self.port)
        except AssertionError as error:
            raise NeverReadyError(str(error)) from error

    def launch(self) -> None:
        """Start it without waiting."""
        self.up.launch("--no-demo", "--port", self.port)

    def kill(self) -> None:
        """SIGKILL to the one process; its servers have to notice by themselves."""
        self.up.kill()
        self.deaths[self.up.popen.pid] = time.time()

    @contextmanager
    def clients(self) -> Iterator[None]:
        """Clients at work for an agent that is made for them."""
        token, stop = self._make_agent(), threading.Event()
        with ExitStack() as ends:
            https = [ends.enter_context(httpx.Client(base_url=self._url, timeout=5.0)) for _ in range(_CLIENTS)]
            desks = [Desk(self.history, http, f"c{number}", token) for number, http in enumerate(https)]
            clients = [ChatClient(desk, random.Random(self.rng.random()), stop, _MESSAGES, _PAUSE_S) for desk in desks]
            threads = [threading.Thread(target=client.run, name="client", daemon=True) for client in clients]
            for thread in threads:
                thread.start()
            try:
                yield
            finally:
                stop.set()
                for thread in threads:
                    thread.join(60)
                self.not_serving += [client.defect for client in clients if client.defect]
                self.not_serving += [f"{thread.name} did not end" for thread in threads if thread.is_alive()]

    def wait(self, least_s: float, most_s: float) -> None:
        """Spend a random time."""
        threading.Event().wait(self.rng.uniform(least_s, most_s))

    def judge(self, healed_at: float, allowed: Allowed, more: Sequence[Violation] = ()) -> TrialResult:
        """Wait until all is quiet, end it in order, judge.

        Raises:
            NeverReadyError: it has ended by itself.
        """
        if self.up.has_ended:
            raise NeverReadyError(f"it ended by itself with status {self.up.popen.returncode}")
        evidence = self._evidence(healed_at, allowed)
        violations = [*check(evidence), *more]
        return TrialResult(
            self.fault,
            self.seed,
            accepted=len(evidence.accepted),
            lost=sum(violation.invariant in LOST for violation in violations),
            duplicated=sum(violation.invariant in DUPLICATED for violation in violations),
            recovered_s=round(max(ended_after_s(evidence).values(), default=0.0), 2),
            took_s=round(time.time() - self.began, 1),
            violations=violations,
            kept=str(self.up.folder) if violations else None,
            notes={"ends": Counter(job.state for job in evidence.jobs), "kills": len(self.deaths)},
        )

    def _evidence(self, healed_at: float, allowed: Allowed) -> Evidence:
        trial, url = self.history.trial, EmbeddedPostgres(self.up.home / "postgres").url()
        engine = make_engine(url, pool_size=2, application_name="faults")
        give_up_at = time.time() + allowed.budget_s + _PATIENCE_S
        wait_until(lambda: not count_unfinished(engine, trial, self.began) or time.time() > give_up_at, 2 * _PATIENCE_S)
        rows = read_rows(engine, trial, self.began)
        engine.dispose()
        return Evidence(
            entries=self.history.entries(),
            **rows,
            deaths=self.deaths,
            healed_at=healed_at,
            not_serving=self.not_serving,
            leaks=self._leaks(),
            allowed=allowed,
        )

    def _leaks(self) -> list[str]:
        self.up.note_family()
        status = self.up.stop()
        left = [f"process {process.pid} is left behind" for process in self.up.left_behind]
        return left if status == 0 else [*left, f"its end in order has status {status}"]

    def _make_agent(self) -> str:
        key = (self.up.home / "admin.key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}"}
        made = httpx.post(f"{self._url}/api/agents", json=_AGENT, headers=headers, timeout=10)
        upload_facts(self._url, _AGENT["slug"], headers)
        return str(made.raise_for_status().json()["token"])

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self.port}"
