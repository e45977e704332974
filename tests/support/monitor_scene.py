"""A database in which everything that the status page shows occurs, with texts that attack it."""

import itertools
from collections.abc import Callable
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from relais.store.accept import accept_ingestion
from relais.store.claim import ClaimedJob
from relais.store.drafts import write_draft
from relais.store.jobs import cancel_job
from relais.store.leases import beat
from relais.store.settle import Answer, settle_completed, settle_failed, settle_retry
from relais.store.sweep import note_heartbeat
from support.seeding import accept, claim, make_agent, make_worker, new_message

HOSTILE = '<img src=x onerror="document.title=1"><script>alert(1)</script> SECRET-TEXT'
"""A text that must neither run nor be seen without a key."""
READ_KEY = "a-key-of-scope-read-0123456789"
_numbers = itertools.count(1)


class Scene:
    """Moves jobs through their lives, one step at a time."""

    def __init__(self, engine: Engine, *, agent: str = "demo") -> None:
        self.engine = engine
        self.agent_id = make_agent(engine, slug=agent)
        self.worker_id = 0

    def do(self, function: Callable[..., object], *args: object, **kwargs: object) -> object:
        """Run a function of the store in a transaction of its own."""
        with self.engine.begin() as conn:
            return function(conn, *args, **kwargs)

    def furnish(self, *, slots: int = 4) -> "Scene":
        """A live worker, a sweeper and a broker that are well."""
        self.worker_id = make_worker(self.engine, slots=slots)
        self.be_well()
        return self

    def be_well(self) -> None:
        """Let everybody show a sign of life now."""
        self.do(note_heartbeat, "sweeper", {})
        self.do(note_heartbeat, "broker", {"up": True, "ready": {"ai-messages": 1, "documents": 0}})
        self.do(beat, worker_id=self.worker_id, lease_s=20, running=[])

    def message(self, content: str = HOSTILE, **fields: object) -> UUID:
        """Accept a message."""
        return accept(self.engine, [new_message(self.agent_id, content, **fields)])[0].message_id

    def messages(self, count: int) -> list[UUID]:
        """Accept several."""
        batch = [new_message(self.agent_id, HOSTILE) for _ in range(count)]
        return [row.message_id for row in accept(self.engine, batch)]

    def document(self) -> UUID:
        """Accept a document."""
        job_id = UUID(int=(next(_numbers) << 64) + 4)
        self.do(accept_ingestion, job_id=job_id, document_id=job_id, agent_id=self.agent_id, priority=0, max_attempts=3)
        return job_id

    def take(self) -> ClaimedJob:
        """Let the worker claim the next message."""
        job = claim(self.engine, self.worker_id)
        assert job is not None
        return job

    def write(self, job: ClaimedJob, draft: str) -> None:
        """Let the model write so far."""
        self.do(write_draft, job.id, job.attempt, draft)

    def complete(self, job: ClaimedJob) -> None:
        """Store an answer that rests on passages."""
        self.do(settle_completed, job.id, job.attempt, grounded_answer())

    def fail(self, job: ClaimedJob, error_code: str = "model_missing") -> None:
        """End it for good."""
        self.do(settle_failed, job.id, job.attempt, error_code=error_code, error=f"The model said {HOSTILE}")

    def put_off(self, job: ClaimedJob, error_code: str = "ollama_timeout", delay_s: float = 600) -> None:
        """Fail the attempt; another follows later."""
        self.do(settle_retry, job.id, job.attempt, error_code=error_code, error=f"Slow: {HOSTILE}", delay_s=delay_s)

    def cancel(self, job_id: UUID) -> None:
        """Cancel it."""
        self.do(cancel_job, job_id)

    def backdate(self, job_id: UUID, seconds: float) -> None:
        """Let a job have been there for longer."""
        self.do(_backdate, job_id, seconds)


def grounded_answer() -> Answer:
    """An answer with the evidence that a worker stores."""
    passages = [
        {"index": n, "chunk_id": f"c{n}", "document": f"{HOSTILE}.md", "heading": HOSTILE, "score": score}
        for n, score in enumerate((0.83, 0.61, 0.47), start=1)
    ]
    citation = {"index": 1, "document": "refunds.md", "chunk_id": "c1", "score": 0.83, "text": HOSTILE}
    evidence = {
        "query": {"phrasings": [HOSTILE], "words": [HOSTILE]},
        "retrieval": {"embedding_model": "nomic-embed-text", "top_k": 5, "score_threshold": 0.25},
        "passages": passages,
        "cited": [1],
        "found": 12,
        "outdated": 0,
        "below_threshold": 9,
        "over_budget": 0,
        "earlier_turns": 1,
        "retrieve_ms": 48,
        "first_token_ms": 310,
        "generate_ms": 2140,
    }
    return Answer(
        HOSTILE, [citation], grounded=True, model="llama3.2", tokens_prompt=812, tokens_completion=96,
        generation_time_ms=2140, evidence=evidence,
    )  # fmt: skip


def _backdate(conn: Connection, job_id: UUID, seconds: float) -> None:
    values = {"job_id": job_id, "seconds": seconds}
    conn.execute(
        text("""
        UPDATE jobs SET created_at = created_at - make_interval(secs => :seconds),
            announced_at = announced_at - make_interval(secs => :seconds),
            started_at = started_at - make_interval(secs => :seconds),
            finished_at = finished_at - make_interval(secs => :seconds) WHERE id = :job_id"""),
        values,
    )
    conn.execute(text("UPDATE job_events SET at = at - make_interval(secs => :seconds) WHERE job_id = :job_id"), values)
