"""Without RabbitMQ messages are accepted as pending; without the database they are refused in time, never lost."""

import threading
import time
from statistics import median
from uuid import uuid4

import httpx
from pydantic import SecretStr

from relais.broker import make_broker
from relais.store.engine import make_engine
from relais_api.main import make_server
from relais_cli.parts.ports import free_port
from support.api import TOKEN, Api, serving, settings
from support.frozen_server import frozen
from support.seeding import make_agent, state_of
from support.waiting import wait_until


def test_a_message_is_accepted_while_the_broker_is_away(database_url, engine):
    """202 with `pending`, fast; readiness lists the broker without failing on it."""
    make_agent(engine, token=TOKEN)
    broker_url = f"amqp://guest:guest@127.0.0.1:{free_port()}/"
    wanted = settings(database_url, broker_url=SecretStr(broker_url))
    with serving(make_server(wanted, make_broker(broker_url))) as client:
        api = Api(client, engine, None)
        receipts, took_s = zip(*(api.timed_post() for _ in range(5)), strict=True)
        assert median(took_s) < 0.5, took_s
        assert {receipt["status"] for receipt in receipts} == {"pending"}
        assert state_of(engine, receipts[0]["message_id"]) == "pending"
        wait_until(lambda: "rabbitmq" in [part["part"] for part in client.get("/readyz").json()["degraded"]])
        assert client.get("/readyz").status_code == 200


def test_a_database_that_is_away_refuses_in_time_and_comes_back(private_postgres):
    """503 with `Retry-After` within the patience for every route that needs it; healthy again without a restart."""
    engine = make_engine(private_postgres.url(), pool_size=2)
    make_agent(engine, token=TOKEN)
    with serving(make_server(settings(private_postgres.url()), make_broker("memory://"))) as client:
        api = Api(client, engine, None)
        assert api.post().status_code == 202
        private_postgres.kill()
        wait_until(lambda: client.get("/readyz").status_code == 503, message="the last session has ended")
        for request in (
            lambda: api.post(headers={"Idempotency-Key": "k"}),
            lambda: api.status(uuid4()),
            lambda: client.get("/readyz"),
            lambda: client.get("/api/agents", headers=api.admin),
        ):
            began = time.monotonic()
            refused = request()
            assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
            assert int(refused.headers["retry-after"]) >= 1
            assert time.monotonic() - began < 6
        assert client.get("/healthz").json() == {"status": "ok"}
        private_postgres.start()
        wait_until(lambda: api.post(headers={"Idempotency-Key": "k"}).status_code == 202)
        assert client.get("/readyz").status_code == 200
    engine.dispose()


def test_watchers_survive_an_outage_of_the_database(private_postgres):
    """A stream that was open while the database restarted still delivers the end."""
    engine = make_engine(private_postgres.url(), pool_size=2)
    make_agent(engine, token=TOKEN)
    with serving(make_server(settings(private_postgres.url()), make_broker("memory://"))) as client:
        api = Api(client, engine, None)
        message_id = api.post().json()["message_id"]
        with client.stream("GET", f"/api/messages/{message_id}/events") as response:
            lines = response.iter_lines()
            assert next(lines) == "event: status"
            private_postgres.stop()
            private_postgres.start()
            wait_until(lambda: api.http.post(f"/api/messages/{message_id}/cancel").status_code == 202)
            assert "event: done" in list(lines)
    engine.dispose()


def test_a_database_without_the_schema_is_not_ready(empty_database_url):
    """503 says which command brings the schema."""
    with serving(make_server(settings(empty_database_url), make_broker("memory://"))) as client:
        refused = client.get("/readyz")
    assert (refused.status_code, refused.json()["code"]) == (503, "not_ready")
    assert "relais migrate" in refused.json()["detail"]


def test_a_stopping_server_lets_waiting_clients_go(api):
    """Streams and long polls end at once, so that a deploy doesn't wait for them."""
    message_id = api.post().json()["message_id"]
    began = time.monotonic()
    watching, closed = threading.Event(), threading.Event()

    def watch() -> None:
        with (
            httpx.Client(base_url=api.http.base_url, timeout=30) as client,
            client.stream("GET", f"/api/messages/{message_id}/events") as response,
        ):
            watching.set()
            response.read()
            closed.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert watching.wait(10)
    api.server.should_exit = True
    watcher.join(10)
    assert closed.is_set()
    assert time.monotonic() - began < 8


def test_a_frozen_database_refuses_in_time(private_postgres):
    """A server that drops no connection and answers nothing costs a request the patience, no more."""
    engine = make_engine(private_postgres.url(), pool_size=2)
    make_agent(engine, token=TOKEN)
    wanted = settings(private_postgres.url(), database_pool_timeout_s=0.5)
    with serving(make_server(wanted, make_broker("memory://"))) as client:
        api = Api(client, engine, None)
        assert api.post().status_code == 202
        with frozen(engine):
            began = time.monotonic()
            assert api.post().status_code == 503
            assert time.monotonic() - began < 5
        wait_until(lambda: api.post().status_code == 202)
    engine.dispose()


def test_the_log_says_why_the_database_is_away(capsys):
    """Whoever starts the API without its database reads the cause, and no password, while it answers 503."""
    port = free_port()
    wanted = settings(f"postgresql://relais:hidden-word@127.0.0.1:{port}/relais")
    with serving(make_server(wanted, make_broker("memory://"))) as client:
        assert client.get("/readyz").status_code == 503
    said = "".join(capsys.readouterr())
    assert f'connection to server at "127.0.0.1", port {port} failed: Connection refused' in said
    assert "hidden-word" not in said
