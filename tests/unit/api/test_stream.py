"""A client's stream is decided from what it saw and what is there."""

import json

import pytest

from relais.lifecycle import State
from relais_api.messages.feed import View
from relais_api.messages.stream import Cursor


def view(attempt: int = 1, draft: str = "", draft_attempt: int | None = None) -> View:
    """A running message's view."""
    return View(State.PROCESSING, attempt, None, draft_attempt or attempt, draft)


def told(cursor: Cursor, seen: View) -> list[tuple]:
    """The events as (name, id, data)."""
    return [(event.name, event.id, json.loads(event.data)) for event in cursor.advance(seen)]


def test_text_comes_once():
    """Each character is sent exactly once, and nothing when nothing is new."""
    cursor = Cursor()
    assert told(cursor, view(draft="ab")) == [("delta", "1:2", {"attempt": 1, "offset": 0, "text": "ab"})]
    assert told(cursor, view(draft="ab")) == []
    assert told(cursor, view(draft="abc")) == [("delta", "1:3", {"attempt": 1, "offset": 2, "text": "c"})]


def test_a_first_attempt_needs_no_reset():
    """Nothing was shown before it."""
    assert told(Cursor(), view(attempt=1)) == []


def test_a_later_attempt_resets():
    """The text of the attempt before is dropped, and an old draft is not taken for the new attempt's."""
    cursor = Cursor(1, 5)
    assert told(cursor, view(attempt=2, draft="hello", draft_attempt=1)) == [("reset", "2:0", {"attempt": 2})]
    assert told(cursor, view(attempt=2, draft="bye")) == [("delta", "2:3", {"attempt": 2, "offset": 0, "text": "bye"})]


def test_a_place_beyond_the_text_waits_for_more():
    """A client that saw more than is stored yet gets nothing twice."""
    cursor = Cursor(1, 4)
    assert told(cursor, view(draft="abc")) == []
    assert told(cursor, view(draft="abcdef")) == [("delta", "1:6", {"attempt": 1, "offset": 4, "text": "ef"})]


@pytest.mark.parametrize(("content", "rest"), [("abcd", ["cd"]), ("ab", []), ("xy", []), (None, [])])
def test_the_end_completes_what_was_shown(content, rest):
    """The deltas add up to the answer when it begins as the draft did; `done` carries it in any case."""
    cursor = Cursor()
    seen = view(draft="ab")
    cursor.advance(seen)
    assert [json.loads(event.data)["text"] for event in cursor.finish(seen, content)] == rest


@pytest.mark.parametrize(
    ("sent", "place"), [("3:14", (3, 14)), ("", (0, 0)), ("3", (0, 0)), ("3:x", (0, 0)), ("²:1", (0, 0))]
)
def test_a_place_is_read_from_last_event_id(sent, place):
    """`attempt:offset`, or the beginning."""
    cursor = Cursor.resume(sent)
    assert (cursor.attempt, cursor.offset) == place
