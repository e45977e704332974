"""What clients send is read as the standards say."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import SecretStr, ValidationError

from relais.lifecycle import State
from relais.store.status import MessageStatus
from relais_api.admin.uploads import document_name, media_type
from relais_api.chat.body import MessageBody, fingerprint
from relais_api.http.cursors import decode_cursor, encode_cursor
from relais_api.http.preferences import preferred_wait_s
from relais_api.messages.bodies import poll_again_s, status_body
from relais_api.messages.etags import matches
from relais_api.settings import ApiSettings


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        (["wait=10"], 10),
        (["respond-async, wait=10"], 10),
        (["Respond-Async", 'WAIT = "7"; foo=bar'], 7),
        (["wait=5, wait=9"], 5),
        (["wait=600"], 60),
        (["wait=99999999999999999999"], 60),
        (["wait=-1"], None),
        (["wait=abc"], None),
        (["wait"], None),
        (["wait=²"], None),
        (["handling=lenient"], None),
    ],
)
def test_a_preferred_wait_is_read(headers, seconds):
    """RFC 7240: names ignore case, the first of several counts, what can't be understood is ignored."""
    assert preferred_wait_s(headers) == seconds


@pytest.mark.parametrize(
    ("if_none_match", "matching"),
    [('W/"a"', True), ('"a"', True), ('"b", W/"a"', True), ("*", True), ('"b"', False), ("", False), ("a", False)],
)
def test_tags_are_compared_weakly(if_none_match, matching):
    """RFC 9110: the prefix W/ makes no difference for If-None-Match."""
    assert matches(if_none_match, 'W/"a"') is matching


def test_a_fingerprint_tells_bodies_apart_by_what_they_say():
    """Order and spacing make no difference, any value does."""
    same = [
        MessageBody.model_validate_json('{"content":"a","metadata":{"x":1,"y":2}}'),
        MessageBody.model_validate_json('{ "metadata":{"y":2,"x":1}, "content":"a", "user_ref":null }'),
    ]
    other = MessageBody.model_validate_json('{"content":"a","metadata":{"x":1,"y":3}}')
    assert fingerprint(same[0]) == fingerprint(same[1]) != fingerprint(other)


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("a.md", "a.md"),
        ("/etc/passwd.txt", "passwd.txt"),
        ("..\\..\\boot.md", "boot.md"),
        ("C:/x/y.pdf", "y.pdf"),
        ("a\x00\u202eb\n.md", "ab.md"),
        ("cafe\u0301.md", "caf\u00e9.md"),
        ("  spaced.md ", "spaced.md"),
        ("folder/", ""),
    ],
)
def test_a_document_is_named_by_the_last_part_of_its_path(filename, name):
    """Folders of any system, control and direction characters are left out."""
    assert document_name(filename) == name


def test_types_are_told_by_names():
    """Whatever the case; None for what can't be ingested."""
    assert media_type("A.MD") == "text/markdown"
    assert media_type("a.tar.gz") is None
    assert media_type("md") is None


def test_a_cursor_gives_back_what_it_was_made_of():
    """And nothing of another kind."""
    assert decode_cursor(encode_cursor("é", 3), str, int) == ("é", 3)
    for wrong in (encode_cursor(3), encode_cursor("a\x00", 3), encode_cursor("a", -1), encode_cursor("a", 2**63), "?"):
        with pytest.raises(RequestValidationError):
            decode_cursor(wrong, str, int)


def _status(state: State, run_at: datetime | None = None) -> MessageStatus:
    now = datetime.now(UTC)
    ended = now if state in {State.COMPLETED, State.FAILED, State.CANCELLED} else None
    return MessageStatus(
        uuid4(), uuid4(), state, "ai-messages", 0, 1, 1, run_at, None, None, now, now, ended,
        None, None, None, None, None, None, None,
    )  # fmt: skip


@pytest.mark.parametrize("state", State)
def test_polling_again_makes_sense_only_while_something_may_change(state):
    """Between 1 and 30 seconds, none after the end; a scheduled attempt is waited for."""
    again_s = poll_again_s(status_body(_status(state), None))
    ended = state in {State.COMPLETED, State.FAILED, State.CANCELLED}
    assert again_s is None if ended else 1 <= (again_s or 0) <= 30


def test_polling_waits_for_the_next_attempt():
    """Asking before a scheduled attempt is pointless, but half a minute is the longest advice."""
    now = datetime.now(UTC)
    assert poll_again_s(status_body(_status(State.QUEUED, now + timedelta(seconds=12)), None)) == 12
    assert poll_again_s(status_body(_status(State.QUEUED, now + timedelta(seconds=900)), None)) == 30


@pytest.mark.parametrize("changed", [{"admin_key": SecretStr("short")}, {"api_port": 70_000}, {"max_body_bytes": 1}])
def test_a_setting_out_of_range_stops_the_boot(changed):
    """Naming it, and never showing a secret."""
    values = {"database_url": SecretStr("postgresql://x"), "broker_url": SecretStr("memory://")}
    with pytest.raises(ValidationError) as caught:
        ApiSettings(_env_file=None, **(values | changed))
    assert next(iter(changed)) in str(caught.value)
    assert "short" not in str(caught.value)
