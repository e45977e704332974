"""Live events show the place in the line, the text as it comes, and the end, and can be resumed."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from relais.store.drafts import write_draft
from relais.store.jobs import cancel_job
from relais.store.settle import settle_completed, settle_retry
from support.seeding import answer, claim, make_worker


@contextmanager
def events(api, message_id, last_event_id: str = "") -> Iterator[Iterator[dict]]:
    """Open the stream; yields {id, event, data} with the data parsed, pings left out."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    with api.http.stream("GET", f"/api/messages/{message_id}/events", headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield _parse(response.iter_lines())


def _parse(lines: Iterator[str]) -> Iterator[dict]:
    event: dict = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            event[name] = value
        elif "event" in event:
            yield event | {"data": json.loads(event["data"])}
            event = {}


def until(stream: Iterator[dict], name: str) -> dict:
    """Skip to the next event of that name."""
    return next(event for event in stream if event["event"] == name)


class Worker:
    """A worker that does one step when told."""

    def __init__(self, api) -> None:
        self.engine = api.engine
        self.id = make_worker(api.engine)
        self.job = None

    def claim(self) -> None:
        self.job = claim(self.engine, self.id)

    def write(self, text: str) -> None:
        with self.engine.begin() as conn:
            assert write_draft(conn, self.job.id, self.job.attempt, text)

    def complete(self, text: str) -> None:
        with self.engine.begin() as conn:
            settle_completed(conn, self.job.id, self.job.attempt, answer(text))

    def fail_for_now(self) -> None:
        with self.engine.begin() as conn:
            settle_retry(conn, self.job.id, self.job.attempt, error_code="x", error="X.", delay_s=0)


@pytest.fixture
def worker(api) -> Worker:
    return Worker(api)


def test_a_client_sees_the_line_the_text_and_the_end(api, worker):
    """`status` with the position first, `delta`s that add up to the answer, `done` from the committed row."""
    message_id = api.post().json()["message_id"]
    with events(api, message_id) as stream:
        first = next(stream)
        assert (first["event"], first["data"]["status"], first["data"]["queue_position"]) == ("status", "queued", 1)
        worker.claim()
        assert until(stream, "status")["data"]["status"] == "processing"
        worker.write("Relais ")
        assert until(stream, "delta") == {
            "id": "1:7", "event": "delta", "data": {"attempt": 1, "offset": 0, "text": "Relais "}
        }  # fmt: skip
        worker.write("Relais never loses 😀")
        assert until(stream, "delta")["data"] == {"attempt": 1, "offset": 7, "text": "never loses 😀"}
        worker.complete("Relais never loses 😀 one.")
        assert until(stream, "delta")["data"] == {"attempt": 1, "offset": 20, "text": " one."}
        done = until(stream, "done")
        assert (done["id"], done["data"]["content"]) == ("1:25", "Relais never loses 😀 one.")
        assert list(stream) == []


def test_a_client_resumes_where_it_was(api, worker):
    """After `Last-Event-ID: 1:7` only the text beyond the seventh character comes."""
    message_id = api.post().json()["message_id"]
    worker.claim()
    worker.write("Relais never")
    with events(api, message_id, "1:7") as stream:
        assert until(stream, "delta") == {
            "id": "1:12", "event": "delta", "data": {"attempt": 1, "offset": 7, "text": "never"}
        }  # fmt: skip


@pytest.mark.parametrize("last_event_id", ["", "nonsense", "-1:2", "1:-2", "99999999999:1", "0:0"])
def test_a_client_without_a_sensible_place_starts_at_the_beginning(api, worker, last_event_id):
    """The whole text so far, without a reset."""
    message_id = api.post().json()["message_id"]
    worker.claim()
    worker.write("Relais")
    with events(api, message_id, last_event_id) as stream:
        seen = [next(stream), next(stream)]
    assert {event["event"] for event in seen} == {"status", "delta"}
    assert next(event for event in seen if event["event"] == "delta")["data"]["offset"] == 0


def test_another_attempt_resets_the_text(api, worker):
    """A higher attempt sends `reset`, then its own text from the start."""
    message_id = api.post().json()["message_id"]
    worker.claim()
    worker.write("A wrong beginning")
    with events(api, message_id) as stream:
        until(stream, "delta")
        worker.fail_for_now()
        worker.claim()
        worker.write("A right one")
        assert until(stream, "reset") == {"id": "2:0", "event": "reset", "data": {"attempt": 2}}
        assert until(stream, "delta")["data"] == {"attempt": 2, "offset": 0, "text": "A right one"}


def test_a_client_of_an_earlier_attempt_is_reset_when_it_resumes(api, worker):
    """What it showed belongs to an attempt that is gone."""
    message_id = api.post().json()["message_id"]
    worker.claim()
    worker.fail_for_now()
    worker.claim()
    worker.write("New text")
    with events(api, message_id, "1:30") as stream:
        assert until(stream, "reset")["data"] == {"attempt": 2}
        assert until(stream, "delta")["data"]["text"] == "New text"


def test_the_stream_of_a_finished_message_is_its_end(api, worker):
    """A client that connects late, or again, gets `done` with the answer at once."""
    message_id = api.post().json()["message_id"]
    worker.claim()
    worker.complete("All of it.")
    for last_event_id in ("", "1:3", "1:10"):
        with events(api, message_id, last_event_id) as stream:
            seen = list(stream)
        assert [event["event"] for event in seen] == ["done"]
        assert seen[0]["data"]["content"] == "All of it."


def test_a_cancelled_message_ends_the_stream(api):
    """`done` with status cancelled."""
    message_id = api.post().json()["message_id"]
    with events(api, message_id) as stream:
        next(stream)
        with api.engine.begin() as conn:
            cancel_job(conn, message_id)
        assert until(stream, "done")["data"]["status"] == "cancelled"


def test_positions_move_while_others_are_served(api, worker):
    """The client at the end of the line sees its place fall without asking."""
    api.post()
    last = api.post().json()["message_id"]
    with events(api, last) as stream:
        assert next(stream)["data"]["queue_position"] in {1, 2}
        worker.claim()
        assert any(event["data"]["queue_position"] == 1 for event in stream if event["event"] == "status")


def test_many_clients_watch_one_message(api, worker):
    """Each gets every character."""
    message_id = api.post().json()["message_id"]
    ends: list[str] = []

    def watch() -> None:
        with events(api, message_id) as stream:
            ends.append(until(stream, "done")["data"]["content"])

    clients = [threading.Thread(target=watch) for _ in range(8)]
    for client in clients:
        client.start()
    worker.claim()
    worker.complete("The end.")
    for client in clients:
        client.join(10)
    assert ends == ["The end."] * 8
