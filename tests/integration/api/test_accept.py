"""A message is accepted once, told where it is, and announced."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from sqlalchemy import text

from support.api import TOKEN
from support.seeding import make_agent, state_of

OTHER = "other-token"


def test_a_message_gets_a_receipt_that_says_where_it_is(api):
    """202 with ids, place, addresses and `Location`; the row is committed and a token is on the queue."""
    response = api.post("What is a lease?", user_ref="u-1", metadata={"page": "/pricing", "n": [1, None, True]})
    receipt = response.json()
    assert response.status_code == 202
    assert response.headers["location"] == receipt["status_url"] == f"/api/messages/{receipt['message_id']}/status"
    assert receipt["events_url"] == f"/api/messages/{receipt['message_id']}/events"
    assert (receipt["status"], receipt["queue_position"], receipt["eta_seconds"]) == ("queued", 1, None)
    assert state_of(api.engine, receipt["message_id"]) == "queued"
    assert api.broker.tokens_ready("ai-messages") == 1


def test_positions_count_those_ahead(api):
    """Each further message is one place later in the line."""
    assert [api.post().json()["queue_position"] for _ in range(4)] == [1, 2, 3, 4]


def test_concurrent_messages_are_all_accepted_with_their_own_places(api):
    """Sixty posts at once share transactions, and each gets its own ticket."""
    with ThreadPoolExecutor(20) as pool:
        receipts = [response.json() for response in pool.map(lambda n: api.post(f"Question {n}"), range(60))]
    assert len({receipt["message_id"] for receipt in receipts}) == 60
    with api.engine.begin() as conn:
        tickets = conn.execute(text("SELECT ticket FROM jobs ORDER BY ticket")).scalars().all()
    assert tickets == list(range(1, 61))


def test_a_session_goes_on_with_its_id(api):
    """A second message with the session's id belongs to the same session."""
    first = api.post().json()
    second = api.post("And to Canada?", session_id=first["session_id"]).json()
    assert second["session_id"] == first["session_id"]
    page = api.http.get(f"/api/sessions/{first['session_id']}/messages").json()
    assert [turn["question"] for turn in page["messages"]] == ["Hello?", "And to Canada?"]


def test_a_session_of_another_agent_is_as_unknown_as_one_that_never_was(api):
    """Ids are capabilities of one agent: both answers are the same 404, and nothing is written."""
    make_agent(api.engine, token=OTHER)
    foreign = api.post(token=OTHER).json()["session_id"]
    refusals = [api.post(session_id=session_id) for session_id in (foreign, str(uuid4()))]
    assert [refusal.status_code for refusal in refusals] == [404, 404]
    assert refusals[0].json() == refusals[1].json()
    assert refusals[0].json()["code"] == "unknown_session"
    with api.engine.begin() as conn:
        assert conn.execute(text("SELECT count(*) FROM messages")).scalar_one() == 1


def test_the_same_key_and_body_give_the_same_message(api):
    """A replay returns the first receipt's ids with the present status, however the JSON is spaced."""
    headers = {"Idempotency-Key": "key-1"}
    first = api.post(headers=headers).json()
    api.http.post(f"/api/messages/{first['message_id']}/cancel")
    body = b'{ "metadata": {}, "content":"Hello?" }'
    again = api.http.post(
        "/c/demo-token/message", content=body, headers={**headers, "Content-Type": "application/json"}
    )
    assert again.status_code == 202
    assert again.json()["message_id"] == first["message_id"]
    assert again.json()["session_id"] == first["session_id"]
    assert again.json()["status"] == "cancelled"


def test_the_same_key_with_another_body_is_a_conflict(api):
    """409, so that a client's mistake doesn't lose a question."""
    headers = {"Idempotency-Key": "key-1"}
    api.post(headers=headers)
    refused = api.post("Something else", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_conflict")


def test_concurrent_posts_with_one_key_make_one_message(api):
    """Twenty posts with the same key and body at the same time: one message, twenty receipts of it."""
    with ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda _: api.post(headers={"Idempotency-Key": "same"}), range(20)))
    assert {reply.status_code for reply in replies} == {202}
    assert len({reply.json()["message_id"] for reply in replies}) == 1
    with api.engine.begin() as conn:
        assert conn.execute(text("SELECT count(*) FROM jobs")).scalar_one() == 1


def test_a_key_belongs_to_its_agent(api):
    """Two agents may be sent the same key for different messages."""
    make_agent(api.engine, token=OTHER)
    headers = {"Idempotency-Key": "key-1"}
    ids = {api.post(token=token, headers=headers).json()["message_id"] for token in (TOKEN, OTHER)}
    assert len(ids) == 2
