"""The clients and the sampler of a trial say so when they can prove nothing."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from faults.chat_client import ChatClient
from faults.checker.evidence import Event, Evidence
from faults.facts import FACTS, document_of, uncited
from faults.history import History
from faults.sampler import LeaseSeen, Sampler
from faults.submitting import Desk
from faults.trial import Round, assert_seen
from support.waiting import wait_until

_ID = str(UUID(int=1))


@contextmanager
def _client(folder: Path, receipt: dict[str, Any]) -> Iterator[ChatClient]:
    transport = httpx.MockTransport(lambda _request: httpx.Response(202, json=receipt))
    with closing(History(folder / "log")) as history, httpx.Client(transport=transport, base_url="http://api") as http:
        yield ChatClient(Desk(history, http, "c0", "token"), random.Random(1), threading.Event(), 1, 0.1)


def test_a_client_that_meets_a_reply_of_another_form_says_so(tmp_path: Path):
    """A receipt without the message's id ends the client, which would else just thin the load."""
    with _client(tmp_path, {}) as client:
        client.run()
    assert client.defect == "client c0 could not go on: KeyError('message_id')"


def test_a_client_logs_what_it_must_be_told(tmp_path: Path):
    """Each message asks for one fact, in one word more than the question has, and the log has the fact."""
    with _client(tmp_path, {"message_id": _ID, "session_id": _ID}) as client:
        client.stop.set()
        client.run()
    asked = client.desk.history.entries()[0].values
    tag, _, question = asked["content"].partition(" ")
    assert asked["answer"] == FACTS[question]
    assert tag.startswith(f"[{client.desk.history.trial}")
    assert tag.strip("[]").isalnum()
    assert client.defect is None


def test_the_facts_share_no_answer():
    """Whole facts differ, a document states one of them, and citations don't count."""
    assert len(set(FACTS.values())) == len(FACTS)
    for fact in FACTS.values():
        stated = document_of(fact)[1].decode()
        assert [other for other in FACTS.values() if other in stated] == [fact]
        assert uncited(f"{fact[:-1]} [1][12].") == fact


def _sampler(failure: Exception) -> Sampler:
    def begin() -> AbstractContextManager[object]:
        raise failure

    engine = SimpleNamespace(begin=begin)
    return Sampler(SimpleNamespace(execution_options=lambda **_: engine))  # type: ignore[arg-type] # as much as it needs


def _failed(kind: Callable[..., DBAPIError]) -> DBAPIError:
    return kind("SELECT", {}, Exception("as the server says"))


def test_a_sampler_whose_statement_is_refused_says_so():
    """A column that is gone makes every sample fail: it ends, and `stop` tells."""
    sampler = _sampler(_failed(ProgrammingError))
    sampler.start()
    wait_until(lambda: sampler.defect is not None)
    with pytest.raises(ProgrammingError):
        sampler.stop()


def test_a_sampler_lives_through_an_outage():
    """A database that is away is a sample left out."""
    sampler = _sampler(_failed(OperationalError))
    sampler._sample_once()
    assert sampler.defect is None


def test_what_does_not_come_back_is_judged():
    """A step that a sound system allows and this one doesn't is no failure of the suite, but goes to the checker."""
    running = Round(None, "fault", 1, None, None, 0.0)  # type: ignore[arg-type] # nothing of them is used

    def wait_ready() -> None:
        raise AssertionError("not within 40 s")

    running.serves(wait_ready)
    running.serves(lambda: None)
    assert running.not_serving == ["AssertionError: not within 40 s"]


def _evidence(*, waited_s: float, leases: int) -> Evidence:
    events = [
        Event(1, _ID, 1.0, "accept", None, "pending", 0),
        Event(2, _ID, 1.0 + waited_s, "claim", "pending", "processing", 1),
    ]
    return Evidence(events=events, leases=[LeaseSeen(2.0, UUID(int=1), 1, 7, 22.0)] * leases)


@pytest.mark.parametrize(("waited_s", "leases", "places"), [(5.0, 1, 0), (5.0, 0, 3), (0.1, 0, 0)])
def test_a_sampler_that_saw_nothing_proves_nothing(waited_s: float, leases: int, places: int):
    """Messages that waited must have been seen in the line, and those that ran with their lease."""
    with pytest.raises(AssertionError, match="the sampler has seen no"):
        assert_seen(_evidence(waited_s=waited_s, leases=leases), places)


def test_a_sampler_need_not_see_what_was_over_at_once():
    """A message that was taken at once may never have been seen to wait."""
    assert_seen(_evidence(waited_s=0.1, leases=1), 0)
    assert_seen(Evidence(), 0)
