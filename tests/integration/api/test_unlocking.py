"""What operators do about a job whose worker will not finish it."""

import pytest

from relais.refs import ref_of
from relais.store.settle import settle_failed
from support.operating import LET_THE_LEASE_EXPIRE, act, demo, fail_one, run_one, sql
from support.seeding import accept_many, claim, make_worker, state_of
from support.waiting import wait_until

SPEND = "UPDATE jobs SET attempt_limit = attempt WHERE id = :id"
FALL_SILENT = "UPDATE workers SET heartbeat_at = now() - interval '1 minute' WHERE id = :worker"
SAY_GOODBYE = "UPDATE workers SET stopped_at = now() WHERE id = :worker"
LOSE_THE_LEASE = "DELETE FROM leases WHERE job_id = :id"
RUN_TOO_LONG = "UPDATE jobs SET started_at = now() - interval '1 hour' WHERE id = :id"


@pytest.mark.parametrize(
    "harm",
    [LET_THE_LEASE_EXPIRE, FALL_SILENT, SAY_GOODBYE, LOSE_THE_LEASE, RUN_TOO_LONG],
    ids=["lease expired", "worker silent", "worker gone", "no lease", "over deadline"],
)
def test_a_job_whose_worker_will_not_finish_it_is_unlocked(api, harm):
    """The preview names it; executed, it waits at its old place with neither lease nor draft, and can be claimed."""
    worker = make_worker(api.engine)
    job = run_one(api, worker)
    values = {key: value for key, value in {"id": job, "worker": worker}.items() if f":{key}" in harm}
    sql(api, harm, **values)
    preview = act(api, "unlock", state="processing")
    assert (preview["matching"], preview["changed"], preview["refs"], preview["skipped"]) == (1, 0, [ref_of(job)], [])
    assert state_of(api.engine, job) == "processing"
    done = act(api, "unlock", state="processing", dry_run=False)
    assert (done["changed"], done["job_ids"]) == (1, [str(job)])
    row = sql(api, "SELECT state, ticket, attempt, attempt_limit, run_at, error_code FROM jobs").one()
    assert row == ("queued", 1, 1, 3, None, None)
    assert sql(api, "SELECT count(*) FROM leases").scalar_one() == 0
    assert claim(api.engine, make_worker(api.engine)).attempt == 2


def test_a_job_whose_worker_is_well_is_skipped_unless_forced(api):
    """Skipped with the reason; forced, it is taken, and the worker's late result is fenced off."""
    worker = make_worker(api.engine)
    job = run_one(api, worker)
    skipped = act(api, "unlock", ref=[ref_of(job)], dry_run=False)
    assert (skipped["matching"], skipped["changed"]) == (1, 0)
    assert [(one["ref"], one["reason"]) for one in skipped["skipped"]] == [(ref_of(job), "working")]
    assert f"Worker {worker} is well" in skipped["skipped"][0]["detail"]
    assert act(api, "unlock", ref=[ref_of(job)], dry_run=False, force=True)["changed"] == 1
    with api.engine.begin() as conn:
        assert settle_failed(conn, job, 1, error_code="e", error="E") is None
    assert state_of(api.engine, job) == "queued"


def test_a_job_without_an_attempt_left_is_skipped_unless_forced(api):
    """Forced, it gets exactly one more attempt."""
    worker = make_worker(api.engine)
    job = run_one(api, worker)
    sql(api, SPEND, id=job)
    sql(api, LET_THE_LEASE_EXPIRE, id=job)
    skipped = act(api, "unlock", id=[str(job)], dry_run=False)
    assert [one["reason"] for one in skipped["skipped"]] == ["attempts_spent"]
    assert "attempt 1 of 1" in skipped["skipped"][0]["detail"]
    assert act(api, "unlock", id=[str(job)], dry_run=False, force=True)["changed"] == 1
    assert sql(api, "SELECT state, attempt, attempt_limit FROM jobs").one() == ("queued", 1, 2)


def test_what_waits_or_has_ended_is_not_unlocked(api):
    """There is nothing to take back."""
    fail_one(api, make_worker(api.engine))
    accept_many(api.engine, demo(api), 1)
    assert act(api, "unlock", agent="demo", force=True, dry_run=False)["matching"] == 0


def test_an_unlocked_job_wakes_a_worker(api):
    """A token goes to the broker, so that nobody waits for the sweeper."""
    job = run_one(api, make_worker(api.engine))
    sql(api, LET_THE_LEASE_EXPIRE, id=job)
    before = api.broker.tokens_ready("ai-messages")
    assert act(api, "unlock", state="processing", dry_run=False)["changed"] == 1
    wait_until(lambda: api.broker.tokens_ready("ai-messages") > before, message="a token is there")
