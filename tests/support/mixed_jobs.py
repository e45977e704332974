"""Jobs of every fate, through the store's own functions: completed, failed, tried again, lost, unlocked, cancelled."""

import random
from dataclasses import replace
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, text

from relais.store.accept import accept_ingestion
from relais.store.claim import ClaimedJob
from relais.store.jobs import cancel_job, retry_job
from relais.store.settle import (
    Answer,
    record_superseded,
    settle_completed,
    settle_failed,
    settle_handed_back,
    settle_retry,
)
from relais.store.sweep import expire_leases
from relais.store.unlocking import unlock_jobs
from support.seeding import accept_many, answer, claim, make_agent, make_worker

_OUTCOMES = {"complete": 50, "fail": 10, "retry": 10, "hand_back": 5, "lose": 10, "unlock": 5, "cancel": 10}
_REASONS = ("timeout", "model_missing", "ollama_unreachable")
_LAPSE = text("UPDATE leases SET expires_at = now() - interval '1 second' WHERE job_id = :id")
_STRETCH = text("""
UPDATE job_events SET at = now() - make_interval(secs => :ago_s) + make_interval(secs => (id - :after) * :apart_s)
WHERE id > :after""")


class MixedJobs:
    """Makes the same history for the same seed; the ids are new each time."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self._engine = engine
        self._random = random.Random(seed)
        self._agents = [make_agent(engine, slug=slug) for slug in ("alpha", "beta")]
        self._worker = make_worker(engine, slots=50)
        self._running: list[ClaimedJob] = []
        self._waiting: list[UUID] = []
        self._over: list[UUID] = []

    def run(self, count: int, *, ago_s: float, apart_s: float) -> None:
        """Accept so many jobs and see most of them to an end; events lie `apart_s` apart, the first `ago_s` ago."""
        with self._engine.begin() as conn:
            after = conn.execute(text("SELECT coalesce(max(id), 0) FROM job_events")).scalar_one()
        for _ in range(count):
            self._accept()
        for _ in range(3 * count):
            self._step()
        with self._engine.begin() as conn:
            conn.execute(_STRETCH, {"after": after, "ago_s": ago_s, "apart_s": apart_s})

    def _accept(self) -> None:
        agent_id = self._random.choice(self._agents)
        if self._random.random() < 0.8:
            self._waiting += accept_many(self._engine, agent_id, 1)
            return
        job_id = uuid4()
        with self._engine.begin() as conn:
            accept_ingestion(conn, job_id=job_id, document_id=uuid4(), agent_id=agent_id, priority=0, max_attempts=3)
        self._waiting.append(job_id)

    def _step(self) -> None:
        roll = self._random.random()
        if roll < 0.5 or not self._running:
            queue = "ai-messages" if self._random.random() < 0.8 else "documents"
            job = claim(self._engine, self._worker, queue=queue)
            self._running += [job] if job else []
        elif roll < 0.94:
            self._end(self._running.pop(self._random.randrange(len(self._running))))
        else:
            with self._engine.begin() as conn:
                self._intervene(conn)

    def _end(self, job: ClaimedJob) -> None:
        outcome = self._random.choices(list(_OUTCOMES), list(_OUTCOMES.values()))[0]
        if outcome == "retry" and job.last_attempt:
            outcome = "fail"
        reason = self._random.choice(_REASONS)
        self._over.append(job.id)
        with self._engine.begin() as conn:
            match outcome:
                case "complete":
                    settle_completed(conn, job.id, job.attempt, self._answer() if job.kind == "answer" else None)
                case "fail":
                    settle_failed(conn, job.id, job.attempt, error_code=reason, error="No.")
                case "retry":
                    settle_retry(conn, job.id, job.attempt, error_code=reason, error="Not yet.", delay_s=0)
                case "hand_back":
                    settle_handed_back(conn, job.id, job.attempt)
                case "lose":
                    self._lose(conn, job)
                case "unlock":
                    unlock_jobs(conn, [job.id], force=True)
                case _:
                    cancel_job(conn, job.id)

    def _lose(self, conn: Connection, job: ClaimedJob) -> None:
        conn.execute(_LAPSE, {"id": job.id})
        expire_leases(conn, grace_s=0, limit=1)
        if self._random.random() < 0.5:
            record_superseded(conn, job.id, job.attempt, self._worker)

    def _intervene(self, conn: Connection) -> None:
        if self._over and self._random.random() < 0.6:
            retry_job(conn, self._random.choice(self._over))
        else:
            cancel_job(conn, self._random.choice(self._waiting))

    def _answer(self) -> Answer:
        pick = self._random
        evidence = {"retrieve_ms": pick.randrange(2_000)} if pick.random() < 0.9 else {"retrieve_ms": "long ago"}
        if pick.random() < 0.2:
            return replace(
                answer(), model="none", grounded=False, tokens_prompt=None, tokens_completion=None, evidence=evidence
            )
        first = pick.randrange(5_000)
        evidence |= {"first_token_ms": first, "generate_ms": first + pick.randrange(60_000)}
        return replace(
            answer(),
            model=pick.choice(("extractive", "llama3.2")),
            grounded=pick.random() < 0.7,
            tokens_prompt=pick.randrange(4_000),
            tokens_completion=pick.randrange(1_000),
            evidence=evidence,
        )
