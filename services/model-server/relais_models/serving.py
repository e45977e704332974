"""Running the application as a process: its socket, its one line of output, its end."""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

import uvicorn
from fastapi import FastAPI

_BACKLOG = 128
_GRACE_S = 2
_KEEP_ALIVE_S = 75  # longer than any client lets a connection rest: who sends requests ends it, never under way


class StartError(Exception):
    """The server can't start; the message is one line for the person who started it."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        StartError: the address is taken, or not one of this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise StartError(f"can't listen on {host}:{port}: {reason}") from None


def serve(app: FastAPI, listener: socket.socket, stopping: asyncio.Event, *, announcement: str, watch: bool) -> None:
    """Serve until a signal comes, or, with `watch`, until standard input is closed.

    Args:
        app: what to serve.
        listener: from `listen`.
        stopping: set when the end begins, before waiting for replies that are under way.
        announcement: printed once connections are accepted.
        watch: whether to end with the process that holds the other end of standard input.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
        ws="none",
    )
    server = _Server(config, stopping, announcement)
    logging.getLogger("uvicorn.error").addFilter(_is_no_planned_end)
    if watch:
        threading.Thread(target=_watch_stdin, args=(server.request_end,), daemon=True).start()
    server.run([listener])


def end_quietly() -> None:
    """Make Ctrl-C and SIGTERM end the process with status 0 and without a traceback, from now on."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event, announcement: str) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._announcement = announcement

    def request_end(self) -> None:
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self._announcement, flush=True)  # noqa: T201 -- the line that a parent process waits for

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping.set()
        await super().shutdown(sockets)


def _watch_stdin(then: Callable[[], None]) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    then()


def _is_no_planned_end(record: logging.LogRecord) -> bool:
    """Replies that end without completing are what faults and the end of the process mean to do."""
    return "without completing response" not in record.getMessage()
