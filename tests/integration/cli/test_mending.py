"""What `relais queue` changes: shown first, then done, with a record of it."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from relais.refs import ref_of
from relais.store.settle import settle_completed, settle_failed
from relais.store.workers import say_goodbye
from support.diagnosing import do, sql
from support.operators import Operator
from support.seeding import accept_many, answer, claim, make_agent, make_worker, state_of


@pytest.fixture
def agent(operator: Operator) -> UUID:
    """An agent whose slug is `shop`."""
    return make_agent(operator.engine, slug="shop")


def _fail(operator: Operator, agent: UUID, count: int, code: str = "model_missing") -> list[UUID]:
    job_ids = accept_many(operator.engine, agent, count)
    worker = make_worker(operator.engine, slots=count)
    for _ in job_ids:
        job = claim(operator.engine, worker)
        do(operator.engine, settle_failed, job.id, 1, error_code=code, error="No such model.")
    return job_ids


def _states(operator: Operator, job_ids: Sequence[UUID]) -> list[str]:
    return [state_of(operator.engine, job_id) for job_id in job_ids]


def test_a_retry_is_shown_tried_on_one_and_then_done(operator: Operator, agent: UUID) -> None:
    """The preview names the jobs and their errors; `--limit` takes the oldest first; the rest follows."""
    job_ids = _fail(operator, agent, 3)
    shown = operator.queue("retry", "--error-code", "model_missing").check().out
    assert shown.startswith("Would retry 3 jobs.\n")
    assert all(ref_of(job_id) in shown for job_id in job_ids)
    assert "model_missing" in shown
    assert shown.endswith("To do it: the same command with --execute, with --limit 1 for the oldest alone\n")
    assert _states(operator, job_ids) == ["failed"] * 3

    tried = operator.queue("retry", "--error-code", "model_missing", "--limit", "1", "--execute").check().out
    assert tried == "Retried 1 job; 2 more match, run it again.\n"
    assert sorted(_states(operator, job_ids)) == ["failed", "failed", "queued"]
    assert operator.queue("retry", "--execute").check().out == "Retried 2 jobs.\n"
    assert operator.queue("retry").check().out == "Nothing to retry: no job matches.\n"


def test_jobs_are_meant_by_id_by_ref_and_by_session(operator: Operator, agent: UUID) -> None:
    """Each of them alone names one of three."""
    by_id, by_ref, by_session = accept_many(operator.engine, agent, 3)
    session = operator.queue("cancel", str(by_session), "--json").check()
    assert session.json["matching"] == 1
    sql(operator.engine, "UPDATE jobs SET serial_key = :key WHERE id = :id", key=(key := uuid4()), id=by_session)
    for which in ((str(by_id),), (ref_of(by_ref),), ("--session", ref_of(key))):
        assert operator.queue("cancel", *which, "--execute").check().out == "Cancelled 1 job.\n"
    assert _states(operator, [by_id, by_ref, by_session]) == ["cancelled"] * 3


def test_a_named_job_that_stays_fails_the_command_with_the_reason(operator: Operator, agent: UUID) -> None:
    """Mistyped, in another state, or ended too lately; a preview shows it, and only `--execute` fails."""
    [failed] = _fail(operator, agent, 1)
    mistyped = operator.queue("retry", "0123456789ab", "--execute")
    assert (mistyped.status, "0123456789ab  No job has this id or ref." in mistyped.out) == (1, True)
    ended = operator.queue("cancel", ref_of(failed), "--execute")
    assert (ended.status, f"{ref_of(failed)}  It is failed; this takes what is" in ended.out) == (1, True)
    fresh = operator.queue("clean", ref_of(failed), "--execute", "--json")
    assert (fresh.status, fresh.json["skipped"][0]["reason"]) == (1, "held_back")
    shown = operator.queue("retry", "0123456789ab", ref_of(failed)).check().out
    assert shown.startswith("Would retry 1 job.\n")
    assert "0123456789ab  No job has this id or ref." in shown


@pytest.mark.parametrize("command", ["failed", "retry", "cancel", "unlock", "clean --keep 0"])
def test_an_agent_that_never_was_is_no_empty_list(operator: Operator, agent: UUID, command: str) -> None:
    """A slug that was mistyped fails the command."""
    done = operator.queue(*command.split(), "--agent", "shpo")
    assert (done.status, done.err) == (1, "relais: No agent has this slug; GET /api/agents lists them.\n")


def test_failed_jobs_are_listed_with_what_their_errors_say_each_once(operator: Operator, agent: UUID) -> None:
    """A filter narrows the list; 80 columns are enough; `--json` is the API's page."""
    missing = _fail(operator, agent, 2)
    [slow] = _fail(operator, agent, 1, "ollama_timeout")
    shown = operator.queue("failed", COLUMNS="80").check().out
    assert "model_missing (2 jobs): No such model.\n" in shown
    assert f"ollama_timeout ({ref_of(slow)}): No such model.\n" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    narrowed = operator.queue("failed", "--error-code", "model_missing", "--json").check().json
    assert {job["id"] for job in narrowed["jobs"]} == {str(job_id) for job_id in missing}
    one = operator.queue("failed", ref_of(slow), "--json").check().json
    assert [job["id"] for job in one["jobs"]] == [str(slow)]


def test_an_unlock_takes_only_what_its_worker_will_not_finish(operator: Operator, agent: UUID) -> None:
    """The others are left as they are, with the reason; `--force` needs to be told which."""
    accept_many(operator.engine, agent, 3)
    gone, alive = make_worker(operator.engine, slots=2), make_worker(operator.engine)
    lost, spent, running = (claim(operator.engine, worker) for worker in (gone, gone, alive))
    do(operator.engine, say_goodbye, gone)
    sql(operator.engine, "UPDATE jobs SET attempt_limit = 1 WHERE id = :id", id=spent.id)

    shown = operator.queue("unlock").check().out
    assert shown.startswith("Would unlock 1 job of 3 that match.\n")
    left = shown.split("Left as they are:")[1]
    assert ref_of(spent.id) in left
    assert ref_of(running.id) in left
    assert "--force" not in shown
    assert _states(operator, [lost.id]) == ["processing"]

    done = operator.queue("unlock", "--execute").check().out
    assert done.startswith("Unlocked 1 job.\n")
    assert _states(operator, [lost.id, spent.id, running.id]) == ["queued", "processing", "processing"]
    refused = operator.queue("unlock", "--force", "--execute")
    assert (refused.status, "say which" in refused.err) == (2, True)
    assert operator.queue("unlock", ref_of(spent.id), "--force", "--execute").check().out == "Unlocked 1 job.\n"
    assert _states(operator, [spent.id]) == ["queued"]


def test_a_clean_moves_what_ended_by_age_and_by_number(operator: Operator, agent: UUID) -> None:
    """Failed jobs unless told otherwise; their status stays."""
    old, young = _fail(operator, agent, 2)
    sql(operator.engine, "UPDATE jobs SET finished_at = now() - interval '8 days' WHERE id = :id", id=old)
    sql(operator.engine, "UPDATE jobs SET finished_at = now() - interval '10 minutes' WHERE id = :id", id=young)
    sql(operator.engine, "UPDATE lanes SET watermark = last_ticket")
    shown = operator.queue("clean", "--older-than", "7d").check().out
    assert shown.startswith("Would clean away 1 job.\n")
    assert ref_of(old) in shown
    assert operator.queue("clean", "--older-than", "7d", "--execute").check().out == "Cleaned away 1 job.\n"
    explained = operator.queue("explain", ref_of(old)).check().out
    assert explained.startswith("failed, failed: ")

    worker = make_worker(operator.engine)
    for job_id in (completed := accept_many(operator.engine, agent, 3)):
        job = claim(operator.engine, worker)
        do(operator.engine, settle_completed, job.id, 1, answer())
        sql(operator.engine, "UPDATE jobs SET finished_at = now() - interval '2 hours' WHERE id = :id", id=job_id)
    sql(operator.engine, "UPDATE lanes SET watermark = last_ticket")
    kept = operator.queue("clean", "--state", "completed", "--keep", "1", "--json").check().json
    assert len(kept["job_ids"]) == len(completed) - 1


@pytest.mark.parametrize(
    ("which", "name"),
    [(("documents",), "the queue documents"), (("--agent", "shop"), "the agent shop")],
    ids=["queue", "agent"],
)
def test_a_pause_is_shown_done_and_ended(operator: Operator, agent: UUID, which: tuple[str, ...], name: str) -> None:
    """Of a queue and of an agent; what is so already is said to be."""
    assert operator.queue("pause", *which).check().out.startswith(f"Would pause {name}.")
    assert operator.queue("resume", *which).check().out == f"Nothing to do: {name} is not paused.\n"
    assert operator.queue("pause", *which, "--execute").check().out == f"Paused {name}.\n"
    assert operator.queue("pause", *which).check().out == f"Nothing to do: {name} is paused already.\n"
    assert operator.queue("pause", *which, "--json").check().json["paused"] is True
    assert operator.queue("resume", *which, "--execute").check().out == f"Resumed {name}.\n"
    assert operator.queue("resume", *which, "--json").check().json["paused"] is False


def test_a_reconciliation_is_shown_and_done(operator: Operator, agent: UUID) -> None:
    """Rows, leases, tokens of every queue; the missing tokens come."""
    job_ids = accept_many(operator.engine, agent, 2)
    sql(operator.engine, "UPDATE jobs SET created_at = now() - interval '1 minute'")
    shown = operator.queue("reconcile").check().out
    assert "Would announce 2 jobs and publish 2 tokens.\n" in shown
    assert "Queue documents\n" in shown
    assert operator.broker.tokens_ready("ai-messages") == 0
    done = operator.queue("reconcile", "ai-messages", "--execute").check().out
    assert "Announced 2 jobs, published 2 tokens.\n" in done
    assert operator.broker.tokens_ready("ai-messages") == 2
    assert _states(operator, job_ids) == ["queued", "queued"]
    assert operator.queue("reconcile", "--json").check().json["queues"][0]["pending"] == 0


def test_a_broker_that_takes_nothing_fails_the_reconciliation(
    operator: Operator, agent: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what is known, and what to do; the exit status is 1."""

    def refuse(*_: object) -> None:
        raise OSError("no broker")

    accept_many(operator.engine, agent, 1)
    monkeypatch.setattr(operator.broker, "send_tokens", refuse)
    done = operator.queue("reconcile", "ai-messages", "--execute")
    assert done.status == 1
    assert "The broker has not confirmed within 3 s; some tokens may still arrive" in " ".join(done.out.split())
    assert "start it, or correct RELAIS_BROKER_URL" in " ".join(done.out.split())


def test_every_change_is_recorded_and_no_preview_is(operator: Operator, agent: UUID) -> None:
    """Who, what, to what, how many; refs in the place of ids."""
    [job_id] = _fail(operator, agent, 1)
    operator.queue("retry", str(job_id)).check()
    assert operator.queue("audit").check().out == "No operator has changed anything.\n"
    operator.queue("retry", str(job_id), "--execute").check()
    operator.queue("pause", "documents", "--execute").check()
    operator.queue("reconcile", "ai-messages", "--execute").check()
    shown = operator.queue("audit", COLUMNS="80").check().out
    assert "RELAIS_ADMIN_KEY" in shown
    assert ref_of(job_id) in shown
    assert str(job_id) not in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    recorded = [one["action"] for one in operator.queue("audit", "--json").check().json["actions"]]
    assert recorded == ["queue.reconcile", "queue.pause", "retry"]
    [paused] = operator.queue("audit", "--action", "queue.pause", "--json").check().json["actions"]
    assert paused["target"] == {"queue": "documents"}


@pytest.mark.parametrize("unknown", ["0123456789ab", "d43dc52e-2c6e-4cf5-b173-c1c5ee1c2a5b"])
def test_explaining_what_does_not_exist_is_one_line(operator: Operator, unknown: str) -> None:
    """By ref and by id."""
    done = operator.queue("explain", unknown)
    assert done.status == 1
    assert len(done.err.splitlines()) == 1


def test_explain_by_ref_says_the_same_as_by_id(operator: Operator, agent: UUID) -> None:
    """By id it needs no key, by ref it does."""
    [job_id] = accept_many(operator.engine, agent, 1)
    by_id = operator.queue("explain", str(job_id), "--json", RELAIS_ADMIN_KEY="").check().json
    by_ref = operator.queue("explain", ref_of(job_id), "--json").check().json
    assert by_id["cause"] == by_ref["cause"] == "no_worker"
    assert by_ref["ref"] == ref_of(job_id)
    assert operator.queue("explain", ref_of(job_id), RELAIS_ADMIN_KEY="").status == 1
