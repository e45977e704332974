"""Whole systems of real processes that are broken: the command line finds why, and mends them.

The other two of the five situations of the kind are in `test_operating` (a paused queue) and `test_outage` (the model
server is down).
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from relais.refs import ref_of
from support.rabbitmq_admin import RabbitMQAdmin
from support.stack import ADMIN_KEY, Stack, stopping
from support.up import Ended, call_relais
from support.waiting import wait_until

PATIENCE_S = 90


@pytest.fixture
def stack(database_url: str, amqp_url: str, model_server, tmp_path: Path) -> Iterator[Stack]:
    """The services as processes; only the API runs yet, which takes its time to announce a message."""
    settings = {"RELAIS_API_PUBLISH_BUDGET_S": "5"}
    with stopping(Stack(tmp_path, database_url, amqp_url, model_server.url, settings)) as stack:
        stack.start_api()
        yield stack


def _relais(stack: Stack, *arguments: str) -> Ended:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RELAIS_")}
    environment |= {"RELAIS_API_URL": stack.url, "RELAIS_ADMIN_KEY": ADMIN_KEY, "RELAIS_HOME": str(stack.folder)}
    return call_relais(arguments, environment, stack.folder)


def _findings(stack: Stack) -> dict[str, dict[str, Any]]:
    found = _relais(stack, "queue", "diagnose", "--json")
    assert found.status == (0 if found.json["healthy"] else 1)
    return {one["code"]: one for one in found.json["findings"]}


def _post(stack: Stack, token: str) -> str:
    reply = httpx.post(f"{stack.url}/c/{token}/message", json={"content": "Is anybody there?"}, timeout=20)
    assert reply.status_code == 202, reply.text
    return str(reply.json()["message_id"])


def _status(stack: Stack, message_id: str) -> str:
    return str(httpx.get(f"{stack.url}/api/messages/{message_id}/status", timeout=20).json()["status"])


def _is_well(stack: Stack) -> bool:
    return _relais(stack, "queue", "diagnose").out == "Nothing is wrong.\n"


def test_a_message_without_a_worker_is_found_and_answered_once_one_runs(stack: Stack) -> None:
    """The finding says what to start."""
    stack.start_sweeper()
    message_id = _post(stack, stack.make_agent())
    found = wait_until(lambda: _findings(stack).get("no_worker"), PATIENCE_S, "found")
    assert (found["severity"], found["count"]) == ("critical", 1)
    assert "RELAIS_WORKER_QUEUES" in found["recommendation"]
    stack.start_worker()
    wait_until(lambda: _status(stack, message_id) == "completed", PATIENCE_S, "answered")
    wait_until(lambda: _is_well(stack), PATIENCE_S, "all is well")


def test_a_wiped_broker_without_a_sweeper_is_found_and_mended_by_hand(
    stack: Stack, rabbitmq_admin: RabbitMQAdmin, vhost: str
) -> None:
    """Nobody wakes the worker: `reconcile` shows the missing token, and publishes it."""
    message_id = _post(stack, stack.make_agent())
    wait_until(lambda: _status(stack, message_id) == "queued", PATIENCE_S, "announced")
    rabbitmq_admin.purge_queue(vhost, "ai-messages")
    stack.start_worker()
    wait_until(lambda: "no_worker" not in _findings(stack), PATIENCE_S, "a worker lives")
    assert "sweeper_silent" in _findings(stack)
    assert _status(stack, message_id) == "queued"
    shown = _relais(stack, "queue", "reconcile", "ai-messages").check().out
    assert "Would announce 0 jobs and publish 1 token.\n" in shown
    assert _status(stack, message_id) == "queued"
    _relais(stack, "queue", "reconcile", "ai-messages", "--execute").check()
    wait_until(lambda: _status(stack, message_id) == "completed", PATIENCE_S, "answered")
    stack.start_sweeper()
    wait_until(lambda: _is_well(stack), PATIENCE_S, "all is well")


def test_a_message_that_kills_its_workers_is_found_and_stopped(stack: Stack, engine: Engine, model_faults) -> None:
    """After the second death the finding names it with the command that cancels it before the third."""
    model_faults.inject(first_token_delay_s=120.0)
    poison = _post(stack, stack.make_agent())
    stack.start_sweeper()
    for attempt in (1, 2):
        stack.start_worker()
        process = wait_until(lambda n=attempt: _holder(engine, n), PATIENCE_S, f"attempt {attempt} runs")
        os.kill(process, signal.SIGKILL)
    found = wait_until(lambda: _findings(stack).get("poison"), PATIENCE_S, "found")
    assert found["severity"] == "critical"
    assert found["evidence"] == [{"ref": ref_of(poison), "state": "queued", "workers_lost": 2}]
    command = found["command"].removeprefix("relais ").split()
    assert _relais(stack, *command).check().out.startswith("Would cancel 1 job.\n")
    assert _relais(stack, *command, "--execute").check().out == "Cancelled 1 job.\n"
    wait_until(lambda: _is_well(stack), PATIENCE_S, "all is well")


def _holder(engine: Engine, attempt: int) -> int:
    """The process that runs the attempt; 0 while none does."""
    with engine.begin() as conn:
        found = conn.execute(
            text("""SELECT w.name FROM jobs j JOIN workers w ON w.id = j.worker_id
                    WHERE j.state = 'processing' AND j.attempt = :attempt"""),
            {"attempt": attempt},
        ).scalar_one_or_none()
    return int(found.rsplit(":", 1)[1]) if found else 0
