"""What operators do to many jobs at once: retry a few first, cancel a session, clean, filter."""

from uuid import UUID, uuid4

import pytest

from relais.refs import ref_of
from relais.store.leases import beat, held_by
from support.operating import act, demo, fail_one, sql
from support.seeding import accept_many, claim, make_worker, state_of


def test_a_few_are_retried_first(api):
    """`limit` is the canary: the oldest come first, and the preview shows just those."""
    worker = make_worker(api.engine)
    failed = [fail_one(api, worker) for _ in range(4)]
    preview = act(api, "retry", error_code="model_missing", limit=2)
    assert (preview["matching"], preview["job_ids"]) == (4, [str(job) for job in failed[:2]])
    done = act(api, "retry", error_code="model_missing", limit=2, dry_run=False)
    assert done["changed"] == 2
    assert sorted(done["refs"]) == sorted(ref_of(job) for job in failed[:2])
    assert [state_of(api.engine, job) for job in failed] == ["queued", "queued", "failed", "failed"]


def test_the_messages_of_a_session_are_cancelled_together(api):
    """By the session's ref."""
    first = api.post().json()
    api.post(session_id=first["session_id"])
    other = api.post().json()["message_id"]
    assert act(api, "cancel", session=ref_of(first["session_id"]), dry_run=False)["changed"] == 2
    assert state_of(api.engine, UUID(other)) in {"pending", "queued"}


def test_jobs_that_ended_are_cleaned_away_and_stay_visible(api):
    """They leave the working table by age, the newest `keep` stay; clients and operators see them as before."""
    worker = make_worker(api.engine)
    jobs = [fail_one(api, worker) for _ in range(60)]
    sql(api, "UPDATE jobs SET finished_at = finished_at - interval '8 days'")
    sql(api, "UPDATE lanes SET watermark = last_ticket")
    preview = act(api, "clean", state="failed", older_than="7d", keep=55)
    assert (preview["matching"], preview["changed"]) == (5, 0)
    assert set(preview["refs"]) == {ref_of(job) for job in jobs[:5]}
    assert act(api, "clean", state="failed", older_than="9d")["matching"] == 0
    done = act(api, "clean", state="failed", older_than="7d", keep=55, limit=3, dry_run=False)
    assert (done["changed"], done["refs"]) == (3, [ref_of(job) for job in jobs[:3]])
    assert sql(api, "SELECT count(*) FROM past_jobs").scalar_one() == 3
    assert api.status(jobs[0]).json()["status"] == "failed"
    assert act(api, "retry", id=[str(jobs[0])], dry_run=False)["changed"] == 1
    assert api.status(jobs[0]).json()["status"] == "queued"


@pytest.mark.parametrize("action", ["retry", "cancel", "unlock", "clean"])
@pytest.mark.parametrize("age", ["1.1h", "2.2h", 0.12345, 3960.0000000000005, 315_360_000])
def test_every_age_that_is_promised_is_taken(refusing_api, action, age):
    """By query and by JSON: a number of seconds is any, and hours may have a fraction that seconds don't show."""
    act(refusing_api, action, older_than=age)
    if isinstance(age, str):
        reply = refusing_api.http.post(f"/api/jobs/{action}?older_than={age}", headers=refusing_api.admin)
        assert reply.status_code == 200, reply.text


@pytest.mark.parametrize("age", [-1, 315_360_001, True, "soon", 1e300])
def test_an_age_out_of_range_is_named(refusing_api, age):
    """Neither before now nor above ten years."""
    refused = refusing_api.http.post("/api/jobs/retry", json={"older_than": age}, headers=refusing_api.admin)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "older_than"), refused.text


def test_all_skipped_jobs_are_counted(api):
    """A hundred are listed; none of them is left for another call."""
    worker = make_worker(api.engine, slots=101)
    accept_many(api.engine, demo(api), 101)
    while claim(api.engine, worker):
        pass
    with api.engine.begin() as conn:  # else the worker would be silent, had the claims taken long
        beat(conn, worker_id=worker, lease_s=20, running=held_by(conn, worker))
    told = act(api, "unlock", state="processing", dry_run=False)
    assert (told["matching"], told["changed"], told["left"]) == (101, 0, 0)
    assert (len(told["skipped"]), told["skipped_count"]) == (100, 101)


def test_a_named_job_that_stays_is_told_with_the_reason(api):
    """It doesn't exist, is in another state, is held back from cleaning, or another filter leaves it out."""
    failed = fail_one(api, make_worker(api.engine))
    waiting = accept_many(api.engine, demo(api), 1)[0]

    def why(action, *named, **wanted):
        told = act(api, action, ref=[str(one) for one in named], **wanted)
        assert (told["skipped_count"], told["left"]) == (len(told["skipped"]), 0)
        return {one["ref"]: one["reason"] for one in told["skipped"]}

    assert why("retry", "0123456789ab", waiting, failed) == {"0123456789ab": "unknown", ref_of(waiting): "wrong_state"}
    assert why("retry", failed, error_code="another") == {ref_of(failed): "no_match"}
    assert why("cancel", failed, ref_of(failed), dry_run=False) == {ref_of(failed): "wrong_state"}
    assert why("clean", failed, waiting) == {ref_of(failed): "held_back", ref_of(waiting): "wrong_state"}
    assert why("unlock", failed, state="processing") == {ref_of(failed): "wrong_state"}
    told = act(api, "cancel", id=[str(uuid4()), str(waiting)], limit=1)
    assert (told["refs"], [one["reason"] for one in told["skipped"]]) == ([ref_of(waiting)], ["unknown"])


@pytest.mark.parametrize("action", ["retry", "cancel", "unlock", "clean"])
def test_a_filter_by_an_agent_that_never_was_is_refused(refusing_api, action):
    """It would look like a filter that nothing matches."""
    refused = refusing_api.http.post(f"/api/jobs/{action}", json={"agent": "demmo"}, headers=refusing_api.admin)
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_agent")
    listed = refusing_api.http.get("/api/jobs", params={"agent": "demmo"}, headers=refusing_api.admin)
    assert (listed.status_code, listed.json()["code"]) == (404, "unknown_agent")


@pytest.mark.parametrize(
    ("action", "sent", "field"),
    [
        ("unlock", {"dry_run": False}, "filter"),
        ("unlock", {"dry_run": False, "force": True}, "filter"),
        ("clean", {"dry_run": False}, "filter"),
        ("clean", {"state": "queued"}, "state"),
        ("clean", {"keep": -1}, "keep"),
        ("retry", {"force": True}, "force"),
        ("cancel", {"ref": ["demo"]}, "ref.0"),
    ],
    ids=["unlock all", "force on all", "clean all", "clean what waits", "negative", "no force to retry", "no ref"],
)
def test_a_wrong_bulk_action_is_named(refusing_api, action, sent, field):
    """422 names the field."""
    refused = refusing_api.http.post(f"/api/jobs/{action}", json=sent, headers=refusing_api.admin)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field), refused.text


@pytest.mark.parametrize("action", ["retry", "cancel", "unlock", "clean"])
def test_the_address_of_an_action_is_no_ref(refusing_api, action):
    """Another method than POST is a 405 that allows POST alone."""
    refused = refusing_api.http.get(f"/api/jobs/{action}", headers=refusing_api.admin)
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
