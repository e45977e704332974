"""How the model server's process serves."""

import asyncio
import logging
import socket

import uvicorn
from fastapi import FastAPI

from relais_models.serving import serve


def test_a_client_ends_a_resting_connection_before_the_server_does(monkeypatch):
    """Clients let one rest for some seconds, proxies for a minute; else the server may close while a request comes."""
    seen: list[uvicorn.Config] = []
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "filters", [])
    monkeypatch.setattr(uvicorn.Server, "run", lambda server, _sockets: seen.append(server.config))
    with socket.socket() as listener:
        serve(FastAPI(), listener, asyncio.Event(), announcement="ready", watch=False)
    assert [config.timeout_keep_alive > 60 for config in seen] == [True]
