"""The lists of the status page: what the database holds, by refs, without ids and texts."""

import json
import re

import pytest
from sqlalchemy import text

from relais.refs import ref_of
from relais.store.pausing import pause_queue
from relais.store.workers import say_goodbye
from support.monitor_scene import Scene
from support.seeding import make_agent, make_worker

WHOLE_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}", re.IGNORECASE)


@pytest.fixture
def scene(engine) -> Scene:
    return Scene(engine).furnish()


@pytest.fixture
def busy(scene) -> dict[str, object]:
    """One job in every place where a job can be; their ids by that place."""
    ids = {}
    scene.message()
    done = scene.take()
    scene.complete(done)
    ids["completed"] = done.id
    scene.message()
    failed = scene.take()
    scene.fail(failed)
    ids["failed"] = failed.id
    scene.message()
    put_off = scene.take()
    scene.put_off(put_off)
    ids["put_off"] = put_off.id
    ids["cancelled"] = scene.message()
    scene.cancel(ids["cancelled"])
    ids["processing"] = scene.message()
    scene.write(scene.take(), "SECRET-TEXT so far")
    ids["document"] = scene.document()
    ids["first"], ids["second"] = scene.message(), scene.message()
    return ids


def jobs(monitor, **query):
    reply = monitor.get("/api/jobs?" + "&".join(f"{name}={value}" for name, value in query.items()))
    assert reply.status_code == 200, reply.text
    return reply.json()


def refs(monitor, **query):
    return [job["ref"] for job in jobs(monitor, **query)["jobs"]]


def test_nothing_that_the_monitor_says_holds_an_id_or_a_text(monitor, busy):
    """A whole id would let whoever reaches the monitor read the message; so would a text."""
    lives = [f"/api/jobs/{ref_of(job_id)}" for job_id in busy.values()]
    shared = ["/api/overview", "/api/jobs", "/api/failures", "/api/workers", "/api/stats", "/api/history", "/metrics"]
    for path in (*shared, *lives, "/", "/jobs/0123456789ab"):
        reply = monitor.get(path)
        assert reply.status_code == 200, path
        assert not WHOLE_ID.search(reply.text), path
        assert "SECRET-TEXT" not in reply.text, path


def test_the_overview_is_what_the_database_holds(monitor, busy):
    """The line in its order with positions, what runs with its text so far, causes and workers, in one answer."""
    shown = monitor.get("/api/overview").json()
    line = [(job["ref"], job["position"]) for job in shown["waiting"] if job["kind"] == "answer"]
    assert line == [(ref_of(busy[name]), place) for place, name in enumerate(("put_off", "first", "second"), start=1)]
    assert [(job["ref"], job["position"]) for job in shown["waiting"] if job["kind"] == "ingest"] == [
        (ref_of(busy["document"]), 1)
    ]
    (running,) = shown["running"]
    assert (running["ref"], running["written"], running["attempt"]) == (ref_of(busy["processing"]), 18, 1)
    assert running["runs_s"] >= 0
    assert shown["counts"]["answer"] == {"pending": 2, "processing": 1, "queued": 1}
    assert shown["capacity"] | {"waiting_for": None} == {
        "alive": 1, "silent": 0, "slots": 4, "busy": 1, "idle": 3, "waiting": 0, "waiting_for": None,
    }  # fmt: skip
    assert shown["troubles"] == []
    assert shown["agents"] == ["demo"]


def test_failures_are_grouped_by_cause(monitor, scene):
    """Each cause with its count, its time and its latest job; attempts that will be repeated count apart."""
    first, second = (scene.message(), scene.message())
    for _ in (first, second):
        scene.fail(scene.take(), "model_missing")
    scene.backdate(first, 3_600)
    scene.message()
    waits = scene.take()
    scene.put_off(waits, "ollama_timeout")
    missing, slow = monitor.get("/api/failures").json()["failures"]
    assert (missing["error_code"], missing["failed"], missing["retrying"], missing["more"]) == (
        "model_missing", 2, 0, False,
    )  # fmt: skip
    assert missing["last_ref"] == ref_of(second)
    assert missing["first_at"] < missing["last_at"]
    assert (slow["error_code"], slow["failed"], slow["retrying"]) == ("ollama_timeout", 0, 1)
    assert (slow["last_ref"], slow["last_at"]) == (ref_of(waits.id), None)


def test_workers_are_listed_with_what_they_have_in_hand(monitor, busy, scene):
    """Slots, refs of the jobs, the age of the heartbeat; who said goodbye is listed for a while more."""
    gone = make_worker(scene.engine, slots=2)
    scene.do(say_goodbye, gone)
    lively, stopped = monitor.get("/api/workers").json()["workers"]
    assert [job["ref"] for job in lively["jobs"]] == [ref_of(busy["processing"])]
    assert (lively["slots"], lively["stopped"]) == (4, False)
    assert 0 <= lively["seen_s"] < 20
    assert lively["jobs"][0]["lease_s"] > 0
    assert (stopped["id"], stopped["stopped"]) == (gone, True)
    with scene.engine.begin() as conn:
        conn.execute(text("UPDATE workers SET stopped_at = now() - interval '1 hour' WHERE id = :id"), {"id": gone})
    assert len(monitor.get("/api/workers").json()["workers"]) == 1


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"state": "failed"}, ["failed"]),
        ({"state": "queued", "kind": "answer"}, ["put_off"]),
        ({"kind": "ingest"}, ["document"]),
        ({"error_code": "ollama_timeout"}, ["put_off"]),
        ({"agent": "nobody"}, []),
        ({"older_than": "1h"}, []),
        ({"state": "pending", "agent": "demo", "kind": "answer"}, ["second", "first"]),
    ],
    ids=["state", "kind", "ingest", "error", "agent", "age", "all"],
)
def test_search_finds_what_matches_all(monitor, busy, query, names):
    """Each field narrows; the newest come first."""
    assert refs(monitor, **query) == [ref_of(busy[name]) for name in names]


def test_search_knows_refs_whole_ids_and_sessions(monitor, busy, scene):
    """Who has a ref, an id, or one of a session finds its jobs."""
    wanted = busy["failed"]
    assert refs(monitor, ref=ref_of(wanted)) == refs(monitor, ref=wanted) == [ref_of(wanted)]
    with scene.engine.begin() as conn:
        session = conn.execute(text("SELECT serial_key FROM jobs WHERE id = :id"), {"id": wanted}).scalar_one()
    assert refs(monitor, session=ref_of(session)) == refs(monitor, session=session) == [ref_of(wanted)]
    assert jobs(monitor, ref=wanted)["jobs"][0]["session"] == ref_of(session)


def test_search_goes_on_page_by_page(monitor, scene):
    """Every job is on one page, also those accepted in the same instant."""
    known = {ref_of(job_id) for job_id in scene.messages(7)}
    found, cursor = [], None
    while True:
        page = jobs(monitor, limit=3, **({"cursor": cursor} if cursor else {}))
        found += [job["ref"] for job in page["jobs"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(found) == 7
    assert set(found) == known


def test_past_jobs_are_found_too(monitor, busy, scene):
    """A job that left the hot table is listed as before, and so is its life."""
    with scene.engine.begin() as conn:
        conn.execute(text("INSERT INTO past_jobs SELECT * FROM jobs WHERE state = 'completed'"))
        conn.execute(text("DELETE FROM jobs WHERE state = 'completed'"))
    ref = ref_of(busy["completed"])
    assert refs(monitor, state="completed") == [ref]
    life = monitor.get(f"/api/jobs/{ref}").json()
    assert life["job"]["state"] == "completed"
    assert life["answer"]["tokens_completion"] == 96
    assert life["reason"]["cause"] == "completed"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=lost", "state"),
        ("older_than=soon", "older_than"),
        ("ref=xyz", "ref"),
        ("session=1", "session"),
        ("cursor=abc", "cursor"),
        ("limit=0", "limit"),
        ("agent=%00", "agent"),
        ("color=red", "color"),
    ],
)
def test_a_wrong_filter_is_refused_by_name(monitor, query, field):
    """The field and what it must be, as a problem document."""
    reply = monitor.get(f"/api/jobs?{query}")
    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in reply.json()["errors"]] == [field]


def test_a_paused_queue_is_told_with_the_way_to_resume(monitor, scene):
    """The page can offer the button that ends it."""
    scene.do(pause_queue, "documents")
    shown = monitor.get("/api/overview").json()
    assert [pause["name"] for pause in shown["pauses"]] == ["documents"]
    assert [trouble["resume"] for trouble in shown["troubles"]] == ["queues/documents"]


def test_a_deleted_agent_keeps_its_name(monitor, scene):
    """Its slug was freed by adding its id, which isn't shown."""
    job_id = scene.message()
    with scene.engine.begin() as conn:
        conn.execute(text("UPDATE agents SET deleted_at = now(), slug = slug || '~' || id"))
    make_agent(scene.engine, slug="other")
    assert jobs(monitor, ref=job_id)["jobs"][0]["agent"] == "demo"


def test_a_life_is_told_by_attempts(monitor, scene):
    """Who made each attempt, how long it took, what ended it; then what may happen next."""
    job_id = scene.message()
    scene.put_off(scene.take(), delay_s=0)
    scene.fail(scene.take(), "model_missing")
    life = monitor.get(f"/api/jobs/{ref_of(job_id)}").json()
    first, second = life["attempts"]
    assert (first["outcome"], first["error_code"], first["worker"]) == (
        "retry_later",
        "ollama_timeout",
        scene.worker_id,
    )
    assert (second["outcome"], second["error_code"]) == ("fail", "model_missing")
    assert second["waited_s"] >= 0 <= second["took_s"]
    assert life["reason"]["summary"] == "It failed with attempt 2 of 3: model_missing"
    assert life["events"][0]["transition"] == "accept"
    assert life["answer"] is None


def test_the_figures_of_an_answer_are_numbers(monitor, busy):
    """Model, tokens, times and scores; no name of a document, no query."""
    answer = monitor.get(f"/api/jobs/{ref_of(busy['completed'])}").json()["answer"]
    assert answer["scores"] == [0.83, 0.61, 0.47]
    assert answer["settings"]["top_k"] == 5
    assert answer["numbers"]["first_token_ms"] == 310
    assert (answer["model"], answer["grounded"], answer["citations"]) == ("llama3.2", True, 1)
    assert "refunds" not in json.dumps(answer)


def test_the_job_ahead_is_named_by_its_ref(monitor, scene):
    """An explanation that names another message doesn't give its id away."""
    with scene.engine.begin() as conn:
        first = scene.message()
        session = conn.execute(text("SELECT serial_key FROM jobs WHERE id = :id"), {"id": first}).scalar_one()
    second = scene.message(session_id=session)
    reason = monitor.get(f"/api/jobs/{ref_of(second)}").json()["reason"]
    assert reason["cause"] == "session_busy"
    assert reason["evidence"]["earlier"] == ref_of(first)
    assert str(first) not in json.dumps(reason)


@pytest.mark.parametrize(("ref", "status"), [("0123456789ab", 404), ("0123456789AB", 422), ("0123", 422), ("..", 404)])
def test_an_unknown_job_is_a_problem(monitor, ref, status):
    """404 for a ref that means nothing, 422 for what is no ref."""
    reply = monitor.get(f"/api/jobs/{ref}")
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"


def test_a_role_that_can_only_read_is_enough(make_monitor, engine, scene, busy):
    """All lists work as the monitor's own role."""
    with engine.begin() as conn:
        conn.execute(text("CREATE ROLE relais_page LOGIN PASSWORD 'page'"))
        conn.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO relais_page"))
        conn.execute(text("ALTER ROLE relais_page SET default_transaction_read_only = on"))
    try:
        url = engine.url.set(username="relais_page", password="page")  # noqa: S106 -- exists for this test only
        monitor = make_monitor(url.render_as_string(hide_password=False))
        for path in ("/api/overview", "/api/jobs", "/api/failures", f"/api/jobs/{ref_of(busy['completed'])}"):
            assert monitor.get(path).status_code == 200
    finally:
        with engine.begin() as conn:
            conn.execute(text("DROP OWNED BY relais_page"))
            conn.execute(text("DROP ROLE relais_page"))
