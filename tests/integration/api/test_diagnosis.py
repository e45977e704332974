"""The diagnosis over HTTP."""

import re

from relais.store.pausing import pause_queue
from relais.store.settle import settle_failed
from support.diagnosing import all_well, do, sql
from support.seeding import claim, make_worker


def _diagnose(api) -> dict:
    reply = api.http.get("/api/diagnosis", headers=api.admin)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_a_healthy_system_has_no_findings(api):
    """Neither has one in which something waits and is worked on."""
    all_well(api.engine)
    make_worker(api.engine)
    api.post()
    found = _diagnose(api)
    assert (found["healthy"], found["findings"]) == (True, [])
    assert found["checked_at"]


def test_findings_come_with_evidence_and_what_to_do_the_worst_first(api):
    """A critical one, a warning, and one that is only worth knowing; jobs are named by refs alone."""
    all_well(api.engine)
    worker = make_worker(api.engine)
    failed_id = api.post().json()["message_id"]
    job = claim(api.engine, worker)
    do(api.engine, settle_failed, job.id, 1, error_code="model_missing", error="Secret text.")
    running_id = api.post().json()["message_id"]
    claim(api.engine, worker)
    sql(api.engine, "DELETE FROM leases")
    do(api.engine, pause_queue, "documents")
    found = _diagnose(api)
    assert [(one["severity"], one["code"]) for one in found["findings"]] == [
        ("critical", "no_lease"),
        ("warning", "failures"),
        ("info", "queue_paused"),
    ]
    assert found["healthy"] is False
    stuck, failures, _ = found["findings"]
    assert stuck["command"] == f"relais queue unlock {running_id.replace('-', '')[:12]}"
    assert failures["evidence"][0]["refs"] == [failed_id.replace("-", "")[:12]]
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}|Secret", str(found))


def test_what_is_only_worth_knowing_leaves_the_system_healthy(api):
    """An empty queue may be paused."""
    all_well(api.engine)
    do(api.engine, pause_queue, "documents")
    found = _diagnose(api)
    assert (found["healthy"], len(found["findings"])) == (True, 1)


def test_a_schema_of_another_release_is_a_finding_and_no_failure(api):
    """The one thing that can be said then."""
    sql(api.engine, "UPDATE alembic_version SET version_num = '0001'")
    [found] = _diagnose(api)["findings"]
    assert (found["code"], found["command"]) == ("schema_outdated", "relais migrate")
