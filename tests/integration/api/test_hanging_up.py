"""Clients that go away in the middle of a request."""

import logging
import socket

from relais.broker import make_broker
from relais_api.main import make_server
from support.api import TOKEN, serving, settings
from support.seeding import make_agent
from support.waiting import wait_until


def test_a_client_that_hangs_up_while_it_sends_is_no_error_of_ours(database_url, engine, caplog):
    """Whoever reads the log for failures doesn't find one for each phone that lost its network."""
    make_agent(engine, token=TOKEN)
    server = make_server(settings(database_url), make_broker("memory://"))
    head = (
        f"POST /c/{TOKEN}/message HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    )
    with caplog.at_level(logging.INFO), serving(server) as client:
        with socket.create_connection((client.base_url.host, client.base_url.port)) as phone:
            phone.sendall(head.encode() + b'{"content"')
            wait_until(lambda: server.server_state.tasks, 10, "the request is being read")
        wait_until(lambda: not server.server_state.tasks, 10, "the request is over")
        assert client.post(f"/c/{TOKEN}/message", json={"content": "Hello"}).status_code == 202
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
