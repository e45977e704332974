"""How long a process waits for its database at the start."""

import faulthandler
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from relais.stopping import SignalEvent
from relais.store.engine import make_engine
from relais_cli.parts.ports import free_port
from relais_worker.running import _start


@pytest.fixture(autouse=True)
def _no_timer_left() -> Iterator[None]:
    """Take back the timer that would end this process of tests, as it would a service that is deaf."""
    yield
    faulthandler.cancel_dump_traceback_later()


_NEVER_COMES_BACK = """
import threading
from types import SimpleNamespace

from relais.stopping import SignalEvent
from relais_worker.running import _start

service = SimpleNamespace(start=threading.Event().wait, deaf_limit_s=1.0)
_start(service, SignalEvent(), patience_s=0.5)
"""


class _Starting:
    """A service whose start runs one statement."""

    alive = left_nothing = True
    deaf_limit_s = stop_limit_s = 60.0

    def __init__(self, url: str, statement: str) -> None:
        self._engine = make_engine(url, pool_size=1)
        self._statement = statement

    def start(self) -> None:
        with self._engine.begin() as conn:
            conn.execute(text(self._statement))

    def stop(self) -> None:
        self._engine.dispose()


def test_a_database_that_never_comes_ends_the_wait(capfd):
    """The log says first that it waits, and in the end that it gave up, with the remedy."""
    service = _Starting(f"postgresql://nobody@127.0.0.1:{free_port()}/none", "SELECT 1")
    assert not _start(service, SignalEvent(), patience_s=1.5)
    said = capfd.readouterr().out
    assert said.index("start.waits_for_database") < said.index("start.failed")
    assert "check RELAIS_DATABASE_URL" in said


def test_a_database_without_its_schema_is_not_waited_for(empty_database_url: str, capfd):
    """Waiting would not help: the remedy is named at once."""
    service = _Starting(empty_database_url, "SELECT FROM workers")
    began_at = time.monotonic()
    assert not _start(service, SignalEvent(), patience_s=60)
    assert time.monotonic() - began_at < 10
    assert "relais migrate" in capfd.readouterr().out
    service.stop()


def test_a_signal_ends_the_wait():
    """SIGTERM is heard while it waits."""
    told = SignalEvent()
    service = _Starting(f"postgresql://nobody@127.0.0.1:{free_port()}/none", "SELECT 1")
    threading.Timer(0.5, told.set).start()
    assert not _start(service, told, patience_s=60)


def test_a_start_that_never_comes_back_ends_the_process():
    """Waiting has its end also within one try; the traceback says where it hangs."""
    command = [sys.executable, "-c", _NEVER_COMES_BACK]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1, ended.stderr
    assert "_start_once" in ended.stderr
