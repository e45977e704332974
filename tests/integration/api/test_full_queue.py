"""A full queue refuses with 429: which limit, how many wait, and when a place is free."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from uuid import uuid4

import pytest
from sqlalchemy import text

from relais.broker import make_broker
from relais.store.admission import Full
from relais.store.line import Lane, Lines, Pace
from relais.store.settle import settle_completed
from relais_api.chat.refusing import seconds_until_free
from relais_api.main import make_server
from support.api import TOKEN, Api, serving, settings
from support.seeding import answer, claim, make_agent, make_worker
from support.waiting import wait_until

OTHER = "other-token"
FULL = Full(agent=False, limit=10, waiting=10)


@pytest.fixture
def limited(database_url, engine) -> Iterator[Api]:
    """An API that lets three messages wait in all."""
    make_agent(engine, slug="demo", token=TOKEN)
    with serving(make_server(settings(database_url, max_waiting=3), make_broker("memory://"))) as client:
        yield Api(client, engine, None)


def test_a_full_queue_refuses_at_once_with_the_numbers(limited):
    """The fourth of three places gets 429, not one later; the document says which limit, and what to do."""
    replies = [limited.post() for _ in range(4)]
    assert [reply.status_code for reply in replies] == [202, 202, 202, 429]
    problem = replies[3].json()
    assert (problem["code"], problem["limited"], problem["limit"], problem["waiting"]) == ("queue_full", "all", 3, 3)
    assert problem["detail"] == (
        "The line of all agents is full: 3 waiting, 3 allowed. Send this message again after 30 s; with an "
        "Idempotency-Key it can't be accepted twice."
    )
    assert replies[3].headers["retry-after"] == "30"


def test_an_accepted_message_is_told_again_though_the_queue_is_full(limited):
    """A client whose receipt was lost gets it again with the same key."""
    key = {"Idempotency-Key": "k"}
    first = limited.post(headers=key).json()
    assert [limited.post().status_code for _ in range(3)] == [202, 202, 429]
    again = limited.post(headers=key)
    assert (again.status_code, again.json()["message_id"]) == (202, first["message_id"])


def test_by_default_any_number_may_wait(api):
    """Who sets no limit gets none."""
    assert settings("postgresql://host/db").max_waiting is None
    assert {api.post().status_code for _ in range(30)} == {202}


def test_an_agents_limit_is_set_shown_and_lifted(api):
    """PATCH takes a number or null; it holds at once in this process, and leaves other agents alone."""
    make_agent(api.engine, token=OTHER)
    changed = api.http.patch("/api/agents/demo", json={"max_waiting": 2}, headers=api.admin)
    assert changed.json()["max_waiting"] == 2
    assert [api.post().status_code for _ in range(3)] == [202, 202, 429]
    problem = api.post().json()
    assert (problem["limited"], problem["limit"], problem["waiting"]) == ("agent", 2, 2)
    assert "The line of this agent is full: 2 waiting, 2 allowed." in problem["detail"]
    assert api.post(token=OTHER).status_code == 202
    api.http.patch("/api/agents/demo", json={"max_waiting": None}, headers=api.admin)
    assert api.post().status_code == 202


@pytest.mark.parametrize("value", [0, -1, 1.5, "many", 2**31])
def test_a_limit_that_cannot_be_one_is_refused(api, value):
    """422 names the field."""
    refused = api.http.patch("/api/agents/demo", json={"max_waiting": value}, headers=api.admin)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "max_waiting"


def test_retry_after_comes_from_the_measured_pace(limited):
    """One slot that takes about four seconds for a message: a place is free after four."""
    worker = make_worker(limited.engine, slots=1)
    limited.post()
    job = claim(limited.engine, worker)
    with limited.engine.begin() as conn:
        settle_completed(conn, job.id, 1, answer())
        conn.execute(text("UPDATE jobs SET started_at = finished_at - interval '4 seconds'"))
    for _ in range(4):
        limited.post()
    claim(limited.engine, worker)
    limited.post()
    asked = wait_until(lambda: [r.headers["retry-after"] for r in [limited.post()] if r.status_code == 429])
    assert wait_until(lambda: limited.post().headers["retry-after"] == "4", 3, f"four seconds, not {asked}")


@pytest.mark.parametrize(
    ("pace", "full", "seconds"),
    [
        (Pace(4.0, 1, 0.5), FULL, 4),
        (Pace(4.0, 8, 0.1), FULL, 1),  # half a second, and never less than one
        (Pace(4.0, 2, 0.1), Full(agent=False, limit=10, waiting=14), 10),  # the limit was lowered: five must start
        (Pace(4.0, 2, 50.0), FULL, 50),  # it has stood still for so long
        (Pace(4.0, 2, 3_000.0), FULL, 120),
        (Pace(None, 2, None), FULL, 30),  # nothing completed within the hour
        (Pace(4.0, 0, 0.1), FULL, 30),  # no worker
        (Pace(4.0, 2, 0.1), Full(agent=True, limit=1, waiting=1, place_frees=(0, 6)), 12),  # the sixth of the line
        (Pace(4.0, 2, 0.1), Full(agent=True, limit=1, waiting=1), 2),  # started meanwhile
    ],
)
def test_the_seconds_until_a_place_is_free(pace, full, seconds):
    """The formula of the docstring, with its bounds and its fallback."""
    lane = Lane("ai-messages", 0, last_ticket=20, watermark=0, waiting_behind=(), holes=())
    assert seconds_until_free(full, Lines([lane], {"ai-messages": pace})) == seconds


def test_without_a_view_of_the_line_the_fallback_is_told():
    """The lines can't be read: 30 s."""
    assert seconds_until_free(FULL, None) == 30


def test_two_apis_together_let_in_no_more_than_one_would(database_url, engine):
    """Forty posts at once to two API processes with a limit of seven for the agent: seven are accepted, exactly."""
    make_agent(engine, token=TOKEN, max_waiting=7)
    wanted = settings(database_url)
    with ExitStack() as stack:
        apis = [
            Api(
                stack.enter_context(serving(make_server(wanted, make_broker("memory://")))),
                engine,
                None,
            )
            for _ in range(2)
        ]
        gate = threading.Barrier(20)

        def post(number: int) -> int:
            if number < 20:
                gate.wait(10)
            return apis[number % 2].post(headers={"Idempotency-Key": str(uuid4())}).status_code

        with ThreadPoolExecutor(20) as pool:
            statuses = list(pool.map(post, range(40)))
    assert statuses.count(202) == 7
    assert statuses.count(429) == 33
