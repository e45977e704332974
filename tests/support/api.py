"""A running API to test with: a real server in a thread, over a real database and the in-memory broker."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr
from sqlalchemy import Engine

from relais.broker import make_broker
from relais.broker.memory import MemoryBroker
from relais.store.engine import make_engine
from relais_api.main import ApiServer, make_server
from relais_api.settings import ApiSettings
from relais_cli.parts.postgres import EmbeddedPostgres
from support.engines import dispose
from support.postgres_fixtures import TEMPLATE
from support.seeding import make_agent
from support.waiting import wait_until

ADMIN_KEY = "test-admin-key-0123456789"
TOKEN = "demo-token"  # noqa: S105 -- public by design


@dataclass(frozen=True)
class Api:
    """A running API: talk to it with `http`, look behind it with `engine` and `broker`."""

    http: httpx.Client
    engine: Engine
    broker: MemoryBroker
    server: ApiServer | None = None

    def post(
        self, content: object = "Hello?", *, token: str = TOKEN, headers: dict[str, str] | None = None, **fields: object
    ):
        """Post a message."""
        return self.http.post(f"/c/{token}/message", json={"content": content, **fields}, headers=headers)

    def timed_post(self) -> tuple[dict[str, Any], float]:
        """Post a message that has to be accepted; its receipt, and the seconds that this took."""
        began = time.monotonic()
        reply = self.post()
        took_s = time.monotonic() - began
        assert reply.status_code == 202, reply.text
        return reply.json(), took_s

    def status(self, message_id: object, **params: object):
        """Get a message's status body."""
        return self.http.get(f"/api/messages/{message_id}/status", params=params)

    @property
    def admin(self) -> dict[str, str]:
        """The header of an administrator."""
        return {"Authorization": f"Bearer {ADMIN_KEY}"}


def settings(database_url: str, **changed: object) -> ApiSettings:
    """Settings for a test, without the environment's."""
    values: dict[str, object] = {
        "database_url": SecretStr(database_url),
        "broker_url": SecretStr("memory://"),
        "api_port": 0,
    }
    if "broker_url" not in changed:
        # Memory always takes a token: how soon the publisher's thread is run is no test's subject.
        values["api_publish_budget_s"] = 5.0
    return ApiSettings(_env_file=None, **(values | {"admin_key": SecretStr(ADMIN_KEY)} | changed))


@contextmanager
def serving(server: ApiServer) -> Iterator[httpx.Client]:
    """Run the server in a thread of its own; stop it in order."""
    thread = threading.Thread(target=server.run, name="api", daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, message="the API listens")
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(15)
        assert not thread.is_alive(), "the API did not stop"


@contextmanager
def fresh_api(postgres: EmbeddedPostgres, database: str) -> Iterator[Api]:
    """An API over a database of its own, with one agent: token `TOKEN`, slug `demo`."""
    postgres.create_database(database, template=TEMPLATE)
    engine = make_engine(postgres.url(database), pool_size=5, application_name="test")
    try:
        make_agent(engine, slug="demo", token=TOKEN, name="Demo", greeting="Ask me.")
        broker = make_broker("memory://")
        with serving(make_server(settings(postgres.url(database)), broker)) as client:
            yield Api(client, engine, broker)
    finally:
        dispose(engine)
        postgres.drop_database(database)
