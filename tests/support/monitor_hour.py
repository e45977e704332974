"""An hour of a help desk for the monitor's pictures: answers, failures, a queue, and one message with a long story."""

import random
from uuid import UUID

from sqlalchemy import Connection, text

from relais.store.claim import claim_next
from relais.store.settle import Answer, settle_completed
from relais.store.sweep import expire_leases
from support.monitor_scene import Scene, grounded_answer
from support.seeding import make_worker

_QUESTION = "How long do I have to return an order?"
_ANSWER = "You can return an order within 30 days of its delivery [1]. The refund arrives within 5 working days [2]."
_SOURCE = "Orders can be returned within 30 days of delivery. Use the form in your account."
# Seconds ago, by the lines of the ledger: two attempts that died, then one that answered.
_STORY_S = (140.0, 139.2, 109.0, 78.0, 54.5, 40.0, 37.2)


def live_an_hour(scene: Scene) -> UUID:
    """Let an hour of work have happened; return the id of the message with the long story."""
    chance = random.Random(7)
    for number in range(90):
        scene.message(_QUESTION)
        job = scene.take()
        if number % 11 == 5:
            scene.fail(job, chance.choice(["model_missing", "ollama_unreachable"]))
        elif number % 23 == 9:
            scene.cancel(job.id)
        else:
            scene.complete(job)
        took_s = chance.uniform(0.8, 6)
        waited_s = chance.uniform(0.05, 3) if number % 9 else chance.uniform(3, 14)
        scene.do(_move_back, job.id, ended_s=chance.uniform(60, 3500), took_s=took_s, waited_s=waited_s)
    story = _tell_story(scene)
    _leave_a_queue(scene)
    return story


def _tell_story(scene: Scene) -> UUID:
    job_id = scene.message(_QUESTION, priority=-1)
    scene.put_off(scene.take(), "ollama_timeout", delay_s=0)
    other = make_worker(scene.engine, slots=4)
    scene.do(claim_next, queue="ai-messages", worker_id=other, lease_s=0)
    scene.do(expire_leases, grace_s=0, limit=5)
    job = scene.take()
    assert job.id == job_id
    scene.do(settle_completed, job.id, job.attempt, _answer())
    scene.do(_spread, job_id)
    scene.do(_name_workers, other)
    return job_id


def _leave_a_queue(scene: Scene) -> None:
    waits = scene.message(_QUESTION)
    scene.put_off(scene.take())
    scene.backdate(waits, 30)
    for number in range(3):
        job_id = scene.message(_QUESTION)
        scene.write(scene.take(), "word " * (140 * number + 30))
        scene.backdate(job_id, 9 - 3 * number)
    for number in range(9):
        scene.backdate(scene.message(_QUESTION), 40 - 4 * number)


def _answer() -> Answer:
    grounded = grounded_answer()
    names = ("returns.md", "refunds.md", "orders.md")
    passages = [
        passage | {"document": name, "heading": "Returns"}
        for passage, name in zip(grounded.evidence["passages"], names, strict=True)
    ]
    query = {"phrasings": [_QUESTION], "words": ["return", "order"]}
    citation = {"index": 1, "document": "returns.md", "chunk_id": "c1", "score": 0.83, "text": _SOURCE}
    return Answer(
        _ANSWER, [citation], grounded=True, model="llama3.2", tokens_prompt=812, tokens_completion=96,
        generation_time_ms=2140, evidence=grounded.evidence | {"passages": passages, "query": query},
    )  # fmt: skip


def _move_back(conn: Connection, job_id: UUID, *, ended_s: float, took_s: float, waited_s: float) -> None:
    values = {"id": job_id, "ended": ended_s, "began": ended_s + took_s, "accepted": ended_s + took_s + waited_s}
    conn.execute(
        text("""
        UPDATE jobs SET created_at = now() - make_interval(secs => :accepted),
            started_at = now() - make_interval(secs => :began), finished_at = now() - make_interval(secs => :ended)
        WHERE id = :id"""),
        values,
    )
    conn.execute(
        text("""
        UPDATE job_events SET at = now() - make_interval(secs => CASE
            WHEN transition = 'claim' THEN CAST(:began AS float)
            WHEN transition = 'accept' THEN CAST(:accepted AS float) ELSE CAST(:ended AS float) END)
        WHERE job_id = :id"""),
        values,
    )


def _spread(conn: Connection, job_id: UUID) -> None:
    events = conn.execute(text("SELECT id FROM job_events WHERE job_id = :id ORDER BY id"), {"id": job_id}).scalars()
    for event_id, ago_s in zip(events, _STORY_S, strict=True):
        conn.execute(
            text("UPDATE job_events SET at = now() - make_interval(secs => :ago) WHERE id = :id"),
            {"id": event_id, "ago": ago_s},
        )
    conn.execute(
        text("""
        UPDATE jobs SET created_at = now() - make_interval(secs => :accepted),
            started_at = now() - make_interval(secs => :began), finished_at = now() - make_interval(secs => :ended)
        WHERE id = :id"""),
        {"id": job_id, "accepted": _STORY_S[0], "began": _STORY_S[-2], "ended": _STORY_S[-1]},
    )


def _name_workers(conn: Connection, stopped: int) -> None:
    conn.execute(text("UPDATE workers SET name = 'rag-worker-1:1', version = '0.1.0'"))
    conn.execute(text("UPDATE workers SET name = 'rag-worker-2:1', stopped_at = now() WHERE id = :id"), {"id": stopped})
