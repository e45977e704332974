"""Which cause an explanation names, as a table."""

from dataclasses import replace

import pytest

from relais.explain import Blocker, Cause, Facts, explain
from relais.lifecycle import State

# One worker with four slots, one of them busy; the sweeper and the broker are well; nobody is ahead.
WELL = Facts(
    State.QUEUED,
    workers=1,
    slots=4,
    busy={"answer": 1},
    ahead=0,
    worker_seen_s=0.3,
    sweeper_age_s=0.5,
    broker_up=True,
    tokens=1,
)
RUNNING = replace(
    WELL, state=State.PROCESSING, attempt=1, worker_id=7, worker_age_s=0.4, lease_s=19.0, runs_s=12.0, deadline_s=300.0
)
BUSY = {"slots": 4, "busy": {"answer": 3, "ingest": 1}}


@pytest.mark.parametrize(
    ("facts", "cause", "says", "remedy"),
    [
        (WELL, Cause.STARTING, "a slot is free", "Nothing"),
        (replace(WELL, state=State.PENDING, waits_s=0.2), Cause.STARTING, "a slot is free", "Nothing"),
        (
            replace(WELL, paused_for_s=60.0),
            Cause.QUEUE_PAUSED,
            "ai-messages is paused",
            "/api/queues/ai-messages/resume",
        ),
        (
            replace(WELL, agent="demo", agent_paused_for_s=60.0),
            Cause.AGENT_PAUSED,
            "agent demo was paused 60 s ago",
            "relais queue resume --agent demo --execute, or POST /api/agents/demo/resume",
        ),
        (
            replace(WELL, workers=0, slots=0, worker_seen_s=None),
            Cause.NO_WORKER,
            "none was ever there",
            "Start a worker",
        ),
        (replace(WELL, workers=0, slots=0, worker_seen_s=90.0), Cause.NO_WORKER, "seen 90 s ago", "Start a worker"),
        (
            replace(WELL, workers=2, workers_waiting=2, slots=0, parts_down=("ollama",)),
            Cause.PART_DOWN,
            "None of the 2 workers can reach the model server (Ollama)",
            "RELAIS_OLLAMA_URL",
        ),
        (
            replace(WELL, workers=2, workers_waiting=2, slots=0, parts_down=("ollama", "qdrant")),
            Cause.PART_DOWN,
            "the model server (Ollama) and the search index (Qdrant)",
            "RELAIS_QDRANT_URL",
        ),
        (
            replace(WELL, workers=2, workers_waiting=1, parts_down=("ollama",)),
            Cause.STARTING,
            "a slot is free",
            "Nothing",
        ),
        (
            replace(WELL, blocker=Blocker("b-1", State.PROCESSING)),
            Cause.SESSION_BUSY,
            "b-1, which is being worked on",
            "explain it",
        ),
        (replace(WELL, blocker=Blocker("b-1", State.QUEUED)), Cause.SESSION_BUSY, "b-1, which waits too", "cancel it"),
        (
            replace(WELL, attempt=1, due_in_s=58.0, error_code="ollama_timeout", error="Silent."),
            Cause.BACKING_OFF,
            "Attempt 1 of 3 failed (ollama_timeout: Silent.); the next one may begin in 58 s",
            "docs/troubleshooting.md has ollama_timeout",
        ),
        (replace(WELL, attempt=1, due_in_s=-2.0), Cause.STARTING, "a slot is free", "Nothing"),
        (replace(WELL, ahead=41), Cause.IN_LINE, "behind 41 others; 3 of 4 slots free", "more workers"),
        (
            replace(WELL, ahead=1, **BUSY),
            Cause.IN_LINE,
            "behind 1 other; all 4 slots of the workers are busy with 3 of kind answer and 1 of kind ingest",
            "more workers",
        ),
        (replace(WELL, **BUSY), Cause.SLOTS_BUSY, "It is next, and all 4 slots", "more workers"),
        (replace(WELL, ahead=None, **BUSY), Cause.SLOTS_BUSY, "all 4 slots", "more workers"),
        (replace(WELL, waits_s=60.0, sweeper_age_s=None), Cause.NOT_ANNOUNCED, "never ran", "Start the sweeper"),
        (
            replace(WELL, waits_s=60.0, sweeper_age_s=40.0),
            Cause.NOT_ANNOUNCED,
            "last ran 40 s ago",
            "Start the sweeper",
        ),
        (replace(WELL, waits_s=60.0, broker_up=False), Cause.NOT_ANNOUNCED, "the broker is down", "Start RabbitMQ"),
        (
            replace(WELL, ahead=2, waits_s=60.0, sweeper_age_s=40.0),
            Cause.NOT_ANNOUNCED,
            "last ran 40 s ago",
            "Start the sweeper",
        ),
        (replace(WELL, ahead=2, waits_s=60.0, broker_up=False), Cause.NOT_ANNOUNCED, "broker is down", "Start Rabb"),
        (replace(WELL, ahead=2, waits_s=60.0, sweeper_age_s=40.0, **BUSY), Cause.IN_LINE, "behind 2 others", "threads"),
        (replace(WELL, waits_s=60.0, broker_up=None), Cause.STARTING, "a slot is free", "Nothing"),
        (RUNNING, Cause.RUNNING, "Worker 7 works on it, attempt 1 of 3, for 12 s of at most 5 min", "cancel it"),
        (
            replace(RUNNING, worker_age_s=9.0, lease_s=11.0),
            Cause.WORKER_SILENT,
            "Worker 7, which works on it, was last seen 9 s ago; another attempt follows when its lease ends in 11 s",
            "Nothing",
        ),
        (
            replace(RUNNING, worker_age_s=9.0, worker_gone=True, attempt=3),
            Cause.WORKER_SILENT,
            "it fails, since no attempt is left at the sweeper's next round",
            "Nothing",
        ),
        (replace(RUNNING, lease_s=-1.0, sweeper_age_s=60.0), Cause.WORKER_SILENT, "Worker 7", "Start the sweeper"),
        (replace(RUNNING, worker_age_s=None), Cause.WORKER_SILENT, "is not in the register", "Nothing"),
        (replace(WELL, state=State.COMPLETED, attempt=2), Cause.COMPLETED, "by attempt 2", "Nothing"),
        (
            replace(WELL, state=State.FAILED, attempt=3, error_code="model_missing", error="No such model."),
            Cause.FAILED,
            "It failed with attempt 3 of 3: model_missing: No such model.",
            "retry it",
        ),
        (replace(WELL, state=State.CANCELLED), Cause.CANCELLED, "Somebody cancelled it", "a retry puts it back"),
    ],
)
def test_each_situation_has_its_cause_its_words_and_its_next_step(facts: Facts, cause: Cause, says: str, remedy: str):
    """One cause each, with a sentence that names the figures and a step that is safe."""
    found = explain(facts)
    assert found.cause is cause
    assert says in found.summary
    assert remedy in found.next_step


def test_what_stops_the_whole_queue_comes_before_what_stops_one_message():
    """Mending the smaller cause would not help: the pause, then the workers, then the parts are named first."""
    stuck = replace(WELL, blocker=Blocker("b-1", State.QUEUED), due_in_s=60.0, ahead=9)
    down = replace(stuck, workers=1, workers_waiting=1, parts_down=("qdrant",))
    gone = replace(down, workers=0, workers_waiting=0)
    paused = replace(gone, paused_for_s=1.0)
    causes = [explain(facts).cause for facts in (paused, gone, down, stuck)]
    assert causes == [Cause.QUEUE_PAUSED, Cause.NO_WORKER, Cause.PART_DOWN, Cause.SESSION_BUSY]


def test_every_cause_can_be_named():
    """The table above has every cause that exists."""
    mark = next(m for m in test_each_situation_has_its_cause_its_words_and_its_next_step.pytestmark)
    assert {row[1] for row in mark.args[1]} == set(Cause)
