"""Ollama and Qdrant, as the workers last saw them."""

from sqlalchemy import Engine

from relais.store.leases import beat
from support.seeding import accept_many, claim, make_agent, make_worker


def _waits(engine: Engine, worker_id: int, *parts: str) -> None:
    with engine.begin() as conn:
        beat(conn, worker_id=worker_id, lease_s=20, running=[], waiting_for=parts)


def test_a_part_is_up_as_long_as_one_worker_does_not_find_it_down(monitor, engine):
    """How many workers wait is a figure of its own, so that a single one that is cut off shows too."""
    first, second = make_worker(engine), make_worker(engine)
    _waits(engine, first, "ollama")
    assert monitor.value("relais_part_up", part="ollama") == 1
    assert monitor.value("relais_workers_waiting", part="ollama") == 1
    _waits(engine, second, "ollama", "qdrant")
    assert monitor.value("relais_part_up", part="ollama") == 0
    assert monitor.value("relais_part_up", part="qdrant") == 1
    assert monitor.value("relais_workers_waiting", part="ollama") == 2
    troubles = {found["title"]: found for found in monitor.get("/api/overview").json()["troubles"]}
    assert troubles["The model server (Ollama) is down"]["severity"] == "critical"
    assert troubles["The search index (Qdrant) is down for some workers"]["remedy"].startswith("Start it")
    assert monitor.get("/api/stats").json()["figures"]["workers"]["waiting_for"] == {"ollama": 2, "qdrant": 1}


def test_free_slots_of_a_worker_that_waits_are_not_idle(monitor, engine):
    """They take nothing; what such a worker still has in hand is busy."""
    accept_many(engine, make_agent(engine), 1)
    waiting = make_worker(engine, slots=4)
    make_worker(engine, slots=2)
    assert claim(engine, waiting) is not None
    _waits(engine, waiting, "ollama")
    slots = {state: monitor.value("relais_worker_slots", state=state) for state in ("busy", "idle", "waiting")}
    assert slots == {"busy": 1, "idle": 2, "waiting": 3}


def test_without_a_live_worker_nothing_is_known_of_the_parts(monitor):
    """Unknown is absent, not up and not down."""
    names = {name for name, _ in monitor.scrape()}
    assert not names & {"relais_part_up", "relais_workers_waiting"}
