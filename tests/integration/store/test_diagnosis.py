"""Diagnoses of a real database: each broken situation is made, found, and gone once it is mended."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from relais.diagnosis import Code, Severity
from relais.diagnosis.facts import Breach
from relais.refs import ref_of
from relais.store.jobs import cancel_jobs
from relais.store.leases import beat
from relais.store.pausing import pause_queue, resume_queue
from relais.store.settle import settle_completed, settle_failed, settle_retry
from relais.store.sweep import expire_leases, note_heartbeat
from relais.store.workers import say_goodbye
from support.diagnosing import all_well, do, facts_of, findings, sql
from support.seeding import accept, accept_many, answer, claim, make_agent, make_worker, new_message


@pytest.fixture
def agent(engine: Engine) -> UUID:
    """An agent, in a system in which all is well."""
    all_well(engine)
    return make_agent(engine, slug="shop")


def _wait_for(engine: Engine, seconds: float) -> None:
    """Let everything that waits have been accepted so long ago."""
    sql(
        engine,
        "UPDATE jobs SET created_at = now() - make_interval(secs => :s) WHERE state IN ('pending', 'queued')",
        s=seconds,
    )


def _complete(engine: Engine, agent: UUID, worker: int) -> UUID:
    [job_id] = accept_many(engine, agent, 1)
    job = claim(engine, worker)
    assert do(engine, settle_completed, job.id, job.attempt, answer())
    return job_id


def test_a_system_in_which_all_is_well_has_no_finding(engine: Engine, agent: UUID) -> None:
    """Waiting, running, completed, cancelled and backing off jobs are its normal course."""
    worker = make_worker(engine, slots=4)
    _complete(engine, agent, worker)
    accept_many(engine, agent, 3)
    running, returned = claim(engine, worker), claim(engine, worker)
    do(engine, settle_retry, returned.id, 1, error_code="ollama_timeout", error="Silent.", delay_s=60)
    do(engine, cancel_jobs, accept_many(engine, agent, 1))
    assert findings(engine) == {}
    facts = facts_of(engine)
    assert [run.ref for run in facts.runs] == [ref_of(running.id)]
    messages = facts.queues[0]
    assert (messages.waiting, messages.eligible, messages.slots_idle, messages.workers) == (2, 1, 3, 1)


def test_a_fresh_database_lacks_only_its_sweeper(engine: Engine) -> None:
    """Nothing waits, so no worker is missed."""
    assert set(findings(engine)) == {Code.SWEEPER_SILENT}


def test_another_schema_is_found_before_anything_is_read(engine: Engine, empty_database_url: str) -> None:
    """The statements of this release could fail on it."""
    sql(engine, "UPDATE alembic_version SET version_num = '0001'")
    sql(engine, "DROP TABLE operator_actions")
    found = findings(engine)
    assert set(found) == {Code.SCHEMA_OUTDATED}
    assert "at 0001" in found[Code.SCHEMA_OUTDATED].title


def test_a_job_without_a_lease_is_found(engine: Engine, agent: UUID) -> None:
    """The sweeper starts from the leases, so it never would."""
    [job_id] = accept_many(engine, agent, 1)
    claim(engine, make_worker(engine))
    sql(engine, "DELETE FROM leases")
    assert do(engine, expire_leases, grace_s=0, limit=10) == []
    [shown] = findings(engine)[Code.NO_LEASE].evidence
    assert (shown["ref"], shown["lease_ends_in_s"]) == (ref_of(job_id), None)


def test_a_lease_of_another_attempt_is_none(engine: Engine, agent: UUID) -> None:
    """It is stray, and its job has none."""
    accept_many(engine, agent, 1)
    claim(engine, make_worker(engine))
    sql(engine, "UPDATE leases SET attempt = 9")
    assert set(findings(engine)) == {Code.NO_LEASE, Code.STRAY_LEASE}


def test_a_lease_that_ended_is_found_until_the_sweeper_takes_the_job(engine: Engine, agent: UUID) -> None:
    """With a sweeper that runs it is a warning, which its next round ends."""
    accept_many(engine, agent, 1)
    claim(engine, make_worker(engine), lease_s=-30)
    assert findings(engine)[Code.LEASE_EXPIRED].severity is Severity.WARNING
    sql(engine, "UPDATE heartbeats SET ran_at = now() - interval '5 minutes'")
    assert findings(engine)[Code.LEASE_EXPIRED].severity is Severity.CRITICAL
    all_well(engine)
    do(engine, expire_leases, grace_s=0, limit=10)
    assert findings(engine) == {}


def test_the_jobs_of_a_worker_that_is_gone_are_found(engine: Engine, agent: UUID) -> None:
    """Silent, then declared dead, while the lease still runs."""
    accept_many(engine, agent, 1)
    worker = make_worker(engine)
    claim(engine, worker, lease_s=300)
    sql(engine, "UPDATE workers SET heartbeat_at = now() - interval '12 seconds'")
    assert set(findings(engine)) == {Code.WORKER_GONE}
    sql(engine, "UPDATE workers SET heartbeat_at = now() - interval '50 seconds'")
    assert set(findings(engine)) == {Code.WORKER_GONE, Code.WORKER_SILENT}
    do(engine, say_goodbye, worker)
    sql(engine, "UPDATE workers SET stopped_at = now() - interval '70 seconds'")
    found = findings(engine)
    assert set(found) == {Code.WORKER_GONE}
    assert found[Code.WORKER_GONE].severity is Severity.CRITICAL


def test_a_run_beyond_its_deadline_is_found_although_its_worker_beats(engine: Engine, agent: UUID) -> None:
    """A worker that renews such a lease is broken."""
    accept_many(engine, agent, 1)
    worker = make_worker(engine)
    job = claim(engine, worker)
    sql(engine, "UPDATE jobs SET started_at = now() - interval '1 hour'")
    do(engine, beat, worker_id=worker, lease_s=20, running=[(job.id, 1)])
    assert set(findings(engine)) == {Code.PAST_DEADLINE}


def test_a_lease_without_a_run_is_found(engine: Engine, agent: UUID) -> None:
    """Somebody changed the tables by hand."""
    worker = make_worker(engine)
    job_id = _complete(engine, agent, worker)
    sql(
        engine,
        "INSERT INTO leases VALUES (:job, 1, :worker, now() + interval '1 minute')", job=job_id, worker=worker,
    )  # fmt: skip
    found = findings(engine)
    assert set(found) == {Code.STRAY_LEASE}
    assert found[Code.STRAY_LEASE].evidence[0]["state"] == "completed"


def test_what_waits_too_long_says_why(engine: Engine, agent: UUID) -> None:
    """The cause of the job that waits longest, in the order in which they are mended one after another."""
    first, _ = accept_many(engine, agent, 2)
    _wait_for(engine, 600)
    sql(engine, "UPDATE jobs SET state = 'queued'")
    found = findings(engine)
    assert set(found) == {Code.NO_WORKER, Code.WAITING_TOO_LONG}
    assert found[Code.WAITING_TOO_LONG].count == 2
    [shown] = found[Code.WAITING_TOO_LONG].evidence
    assert (shown["ref"], shown["cause"]) == (ref_of(first), "no_worker")
    worker = make_worker(engine)
    do(engine, beat, worker_id=worker, lease_s=20, running=[], waiting_for=["ollama"])
    found = findings(engine)
    assert set(found) == {Code.PART_DOWN, Code.WAITING_TOO_LONG}
    assert found[Code.WAITING_TOO_LONG].evidence[0]["cause"] == "part_down"
    do(engine, beat, worker_id=worker, lease_s=20, running=[])
    claim(engine, worker)
    found = findings(engine)
    assert set(found) == {Code.WAITING_TOO_LONG}
    assert found[Code.WAITING_TOO_LONG].severity is Severity.WARNING
    assert found[Code.WAITING_TOO_LONG].evidence[0]["cause"] == "slots_busy"


def test_a_message_kept_waiting_by_its_session_names_the_earlier_one_by_its_ref(engine: Engine, agent: UUID) -> None:
    """A whole id is a capability: no finding shows one."""
    session = uuid4()
    earlier = new_message(agent, session_id=session, new_session=True)
    accept(engine, [earlier])
    claim(engine, make_worker(engine, slots=2))
    later = new_message(agent, session_id=session)
    accept(engine, [later])
    _wait_for(engine, 600)
    sql(engine, "UPDATE jobs SET state = 'queued' WHERE state = 'pending'")
    found = findings(engine)[Code.WAITING_TOO_LONG]
    assert found.evidence[0]["cause"] == "session_busy"
    assert ref_of(earlier.message_id) in found.title
    assert str(earlier.message_id) not in f"{found}"
    assert str(later.message_id) not in f"{found}"


def test_a_paused_queue_is_found_until_it_is_resumed(engine: Engine, agent: UUID) -> None:
    """With what waits in it."""
    make_worker(engine)
    do(engine, pause_queue, "ai-messages")
    assert findings(engine)[Code.QUEUE_PAUSED].severity is Severity.INFO
    accept_many(engine, agent, 3)
    found = findings(engine)[Code.QUEUE_PAUSED]
    assert (found.severity, found.count) == (Severity.WARNING, 3)
    do(engine, resume_queue, "ai-messages")
    assert findings(engine) == {}


def test_a_paused_agent_is_found_and_hides_nothing_else(engine: Engine, agent: UUID) -> None:
    """Its own jobs are its finding; the oldest of the others is what waits too long."""
    accept_many(engine, agent, 2)
    [other] = accept_many(engine, make_agent(engine), 1)
    make_worker(engine)
    sql(engine, "UPDATE agents SET paused_at = now() WHERE slug = 'shop'")
    found = findings(engine)
    assert (found[Code.AGENT_PAUSED].count, found[Code.AGENT_PAUSED].evidence[0]["agent"]) == (2, "shop")
    assert facts_of(engine).queues[0].oldest.ref == ref_of(other)


def test_a_sleeping_sweeper_and_a_broker_that_is_down_are_found(engine: Engine, agent: UUID) -> None:
    """With the jobs that stay pending because of them."""
    make_worker(engine)
    accept_many(engine, agent, 2)
    _wait_for(engine, 30)
    do(engine, note_heartbeat, "broker", {"up": False, "ready": {}})
    found = findings(engine)
    assert set(found) == {Code.BROKER_DOWN, Code.NOT_ANNOUNCED}
    assert found[Code.NOT_ANNOUNCED].count == 2
    sql(engine, "UPDATE heartbeats SET ran_at = now() - interval '1 minute'")
    assert set(findings(engine)) == {Code.SWEEPER_SILENT, Code.NOT_ANNOUNCED}


def test_rows_are_held_against_the_tokens_of_the_broker(engine: Engine, agent: UUID) -> None:
    """A job that could have started long ago: without a token, then with one that nobody takes, then claimed."""
    worker = make_worker(engine)
    accept_many(engine, agent, 1)
    _wait_for(engine, 30)
    sql(engine, "UPDATE jobs SET state = 'queued'")
    assert set(findings(engine)) == {Code.TOKENS_MISSING}
    all_well(engine, tokens=1)
    assert set(findings(engine)) == {Code.TOKENS_NOT_TAKEN}
    claim(engine, worker)
    assert findings(engine) == {}


def test_a_backoff_that_has_just_ended_is_no_finding(engine: Engine, agent: UUID) -> None:
    """It could not start before: the sweeper's next round brings its token."""
    worker = make_worker(engine)
    [job_id] = accept_many(engine, agent, 1)
    sql(engine, "UPDATE jobs SET created_at = now() - interval '2 minutes', announced_at = created_at")
    job = claim(engine, worker)
    do(engine, settle_retry, job_id, job.attempt, error_code="ollama_timeout", error="Silent.", delay_s=0.0)
    assert findings(engine) == {}


def test_failures_are_grouped_by_their_cause_within_a_day(engine: Engine, agent: UUID) -> None:
    """Count, first, last, the newest refs; what is older than a day is not counted."""
    worker = make_worker(engine)
    refs = []
    for code in ("model_missing", "model_missing", "model_missing", "unreadable_document"):
        [job_id] = accept_many(engine, agent, 1)
        refs.append(ref_of(job_id))
        job = claim(engine, worker)
        do(engine, settle_failed, job.id, 1, error_code=code, error="No.")
    sql(
        engine,
        "UPDATE jobs SET finished_at = now() - interval '25 hours' WHERE id BETWEEN :low AND :high",
        low=UUID(refs[0] + "0" * 20), high=UUID(refs[0] + "f" * 20),
    )  # fmt: skip
    groups = {group.error_code: group for group in facts_of(engine).failures}
    assert (groups["model_missing"].count, groups["model_missing"].refs) == (2, [refs[2], refs[1]])
    assert groups["model_missing"].first_s >= groups["model_missing"].last_s >= 0
    assert groups["unreadable_document"].count == 1
    assert findings(engine)[Code.FAILURES].severity is Severity.INFO


def test_a_message_that_kills_its_workers_is_found_before_and_after_its_last_attempt(
    engine: Engine, agent: UUID
) -> None:
    """From the second death on, as long as it may run again; and once it failed."""
    [job_id] = accept_many(engine, agent, 1)
    for attempt in (1, 2, 3):
        worker = make_worker(engine)
        assert claim(engine, worker).attempt == attempt
        assert (Code.POISON in findings(engine)) is (attempt == 3)
        do(engine, say_goodbye, worker)
        do(engine, expire_leases, grace_s=0, limit=10)
        found = findings(engine).get(Code.POISON)
        if attempt > 1:
            assert found.evidence == [
                {"ref": ref_of(job_id), "state": ("queued", "failed")[attempt == 3], "workers_lost": attempt}
            ]
        else:
            assert found is None
    assert Code.FAILURES not in findings(engine)


def test_broken_promises_about_answers_are_found(engine: Engine, agent: UUID) -> None:
    """An answer of another attempt, one too few, one too many, and two completions."""
    worker = make_worker(engine)
    other, without, twice = (_complete(engine, agent, worker) for _ in range(3))
    sql(engine, "UPDATE answers SET attempt = 7 WHERE message_id = :id", id=other)
    sql(engine, "DELETE FROM answers WHERE message_id = :id", id=without)
    sql(
        engine,
        "INSERT INTO job_events (job_id, transition, to_state, attempt) VALUES (:id, 'complete', 'completed', 1)",
        id=twice,
    )
    [cancelled] = accept_many(engine, agent, 1)
    sql(
        engine,
        """INSERT INTO answers (message_id, attempt, content, citations, grounded, model, evidence)
        VALUES (:id, 1, 'x', '[]', true, 'm', '{}')""",
        id=cancelled,
    )
    assert {job.breach: job.ref for job in facts_of(engine).broken} == {
        Breach.ANSWER_OF_OTHER_ATTEMPT: ref_of(other),
        Breach.COMPLETED_WITHOUT_ANSWER: ref_of(without),
        Breach.COMPLETED_TWICE: ref_of(twice),
        Breach.ANSWER_WITHOUT_COMPLETION: ref_of(cancelled),
    }
    do(engine, cancel_jobs, [cancelled])
    found = findings(engine)
    assert found[Code.ANSWER_WITHOUT_COMPLETION].evidence[0]["state"] == "cancelled"
