"""A real Prometheus and Alertmanager from infra/ over a real system: an alert fires, calls somebody, and resolves."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from relais_cli.parts.model_server import ModelServer
from relais_cli.parts.ports import free_port
from support.prometheus import Watchers, watching
from support.seeding import accept_many, make_agent
from support.soundness import unfinished
from support.stack import Stack, stopping
from support.waiting import wait_until
from support.webhook_receiver import WebhookReceiver, receiving

pytestmark = pytest.mark.timeout(300)
NO_WORKER = "RelaisNoWorker"


@pytest.fixture
def stack(database_url: str, amqp_url: str, model_server: ModelServer, tmp_path: Path) -> Iterator[Stack]:
    """Services whose monitor is on a port of its own, and looks often."""
    settings = {"RELAIS_MONITOR_PORT": str(free_port()), "RELAIS_ALERT_EVERY_S": "0.5"}
    with stopping(Stack(tmp_path, database_url, amqp_url, model_server.url, settings)) as stack:
        yield stack


def _told(receiver: WebhookReceiver) -> list[tuple[str, str]]:
    """The state and the name of each alert that the webhook was told of, in order."""
    documents = [delivery.document for delivery in list(receiver.deliveries)]
    return [(alert["status"], alert["labels"]["alertname"]) for document in documents for alert in document["alerts"]]


def _state_by_the_monitor(monitor: str) -> str:
    alerts = httpx.get(f"http://{monitor}/api/alerts", timeout=10).json()["alerts"]
    return str(next(alert["state"] for alert in alerts if alert["rule"] == NO_WORKER))


def _is_scraped(watchers: Watchers) -> bool:
    found = watchers.query('relais_workers{state="alive"}')
    return bool(found) and found[0]["value"][1] == "1"


def test_a_killed_worker_calls_somebody_and_its_start_ends_the_call(
    engine: Engine, stack: Stack, tmp_path: Path
) -> None:
    """Prometheus and the monitor agree; who is on call is told what it is, where to read on, and when it is over."""
    monitor = f"127.0.0.1:{stack.settings['RELAIS_MONITOR_PORT']}"
    stack.start("relais_monitor")
    stack.start_sweeper()
    worker = stack.start_worker()
    folder = tmp_path / "watchers"
    folder.mkdir()
    with receiving() as receiver, watching(folder, monitor=monitor, webhook=receiver.url) as watchers:
        wait_until(lambda: _is_scraped(watchers), 60, "Prometheus sees the worker")
        worker.kill()
        accept_many(engine, make_agent(engine), 3)
        wait_until(lambda: ("firing", NO_WORKER) in _told(receiver), 90, "somebody is told")
        assert watchers.alerts()[NO_WORKER] == "firing"
        assert _state_by_the_monitor(monitor) in {"pending", "firing"}
        _check_call(receiver)

        stack.start_worker()
        wait_until(lambda: unfinished(engine) == 0, 60, "all answered")
        wait_until(lambda: ("resolved", NO_WORKER) in _told(receiver), 90, "somebody is told of the end")
        assert NO_WORKER not in watchers.alerts()
        assert _state_by_the_monitor(monitor) in {"inactive", "resolved"}


def _check_call(receiver: WebhookReceiver) -> None:
    call = next(
        delivery
        for delivery in receiver.deliveries
        if NO_WORKER in {alert["labels"]["alertname"] for alert in delivery.document["alerts"]}
    )
    assert call.headers["authorization"] == "Bearer test-webhook_token"
    (alert,) = call.document["alerts"]
    assert alert["labels"]["severity"] == "critical"
    assert alert["annotations"]["summary"] == "Jobs wait and no worker is alive."
    assert alert["annotations"]["evidence"] == "3 jobs waiting without a worker"
    assert alert["annotations"]["runbook_url"] == "docs/runbook.md#relaisnoworker"
