"""From a question to its answer, as the page shows it."""

import pytest
from playwright.sync_api import Route, expect

from support.waiting import wait_until

pytestmark = pytest.mark.browser


def test_greets(chat, log):
    """The empty page shows the agent's name and greeting, and no button for a new conversation."""
    expect(chat.get_by_role("heading", level=1)).to_have_text("Harbour")
    expect(log.get_by_text("I answer questions about orders")).to_be_visible()
    expect(chat.get_by_role("button", name="New conversation")).to_be_hidden()


def test_shows_the_place_in_the_queue_live(log, ask, fake):
    """The question appears at once; its position and estimate follow the status events."""
    ask("How do I return an order?")
    expect(log.get_by_text("How do I return an order?")).to_be_visible()
    expect(log.get_by_text("Position 3 in the queue · about 12 s")).to_be_visible()
    fake.move(queue_position=1, eta_seconds=100)
    expect(log.get_by_text("Position 1 in the queue · about 2 min")).to_be_visible()
    fake.move(queue_position=1, eta_seconds=None)
    expect(log.get_by_text("Position 1 in the queue", exact=True)).to_be_visible()


def test_streams_the_answer(chat, log, ask, fake):
    """Pieces appear as they come; the final text replaces them and its sources become buttons."""
    ask("Returns?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    fake.move(status="processing", attempt=1, queue_position=None, eta_seconds=None)
    expect(log.get_by_text("Working on the answer")).to_be_visible()
    fake.write("Within 30 ", 0)
    fake.write("days. [1]", 10)
    expect(chat.locator(".text")).to_have_text("Within 30 days. 1")
    expect(log.get_by_text("Writing the answer")).to_be_visible()
    expect(chat.locator("button.ref")).to_have_count(0)
    complete(fake, "Within 30 days. [1]")
    expect(chat.get_by_role("button", name="Source 1: refunds.md").first).to_be_visible()
    expect(log.get_by_text("Writing the answer")).to_be_hidden()
    expect(log.get_by_text("extractive · 1.2 s")).to_be_visible()


def complete(fake, content, grounded=True, citations=None):
    cited = [{"index": 1, "document": "refunds.md", "chunk_id": "a", "score": 0.834, "text": "Thirty days."}]
    fake.move(
        status="completed",
        content=content,
        citations=cited if citations is None else citations,
        grounded=grounded,
        model="extractive",
        generation_time_ms=1234,
        queue_position=None,
        eta_seconds=None,
    )


def test_joins_pieces_by_their_offsets(chat, log, ask, fake):
    """Repeated and overlapping pieces add nothing twice, though an emoji is two units of JavaScript's strings."""
    ask("Returns?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    fake.write("🙂 Hello", 0)
    fake.write("🙂 Hello", 0)
    fake.write("llo there", 4)
    expect(chat.locator(".text")).to_have_text("🙂 Hello there")


def test_a_gap_is_filled_by_a_new_connection(chat, log, ask, fake):
    """A missing piece makes the page connect again, which brings the whole text."""
    ask("Returns?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    fake.on_connect = lambda: fake.write("Hello world", 0)
    fake.write("world", 6)
    expect(chat.locator(".text")).to_have_text("Hello world")


def test_gaps_without_end_lead_to_polling(chat, log, ask, fake):
    """A server that always leaves pieces out is asked for the status instead, and not flooded with connections."""
    ask("Returns?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    fake.write("world", 6)
    complete_silently(fake, "Hello world")
    expect(chat.locator(".text")).to_have_text("Hello world")
    assert fake.connections <= 5


def complete_silently(fake, content):
    message = fake.last()
    message.status = {**message.status, "status": "completed", "content": content, "citations": [], "grounded": True}


def test_a_new_attempt_starts_the_text_anew(chat, log, ask, fake):
    """`reset` clears what the lost attempt wrote; late pieces of that attempt are dropped."""
    ask("Returns?")
    fake_processing(log, fake)
    fake.write("From the first attempt", 0)
    expect(chat.locator(".text")).to_have_text("From the first attempt")
    fake.emit("reset", {"attempt": 2})
    fake.write("late piece", 22, attempt=1)
    fake.write("From the second", 0, attempt=2)
    expect(chat.locator(".text")).to_have_text("From the second")


def fake_processing(log, fake):
    expect(log.get_by_text("Position 3")).to_be_visible()
    fake.move(status="processing", attempt=1, queue_position=None, eta_seconds=None)


def test_says_when_an_answer_is_not_grounded(log, ask, fake):
    """An answer that no passage supports is marked as such."""
    ask("What is the meaning of life?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    complete(fake, "I found nothing about that.", grounded=False, citations=[])
    expect(log.get_by_text("Not grounded.")).to_be_visible()


def test_opens_a_source_from_its_number(chat, log, ask, fake):
    """A number opens the document's name, score and passage; Escape closes it and gives the focus back."""
    ask("Returns?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    complete(fake, "Within 30 days. [1]")
    number = chat.locator("button.ref")
    number.click()
    sheet = chat.get_by_role("dialog")
    expect(sheet.get_by_role("heading", level=2)).to_have_text("refunds.md")
    expect(sheet).to_contain_text("Score 0.83")
    expect(sheet.get_by_role("region", name="Passage")).to_have_text("Thirty days.")
    chat.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(number).to_be_focused()


def test_steps_through_the_sources_of_an_answer(chat, log, ask, fake):
    """Arrow keys and buttons lead to the answer's other sources."""
    ask("Returns?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    citations = [
        {"index": n, "document": f"doc-{n}.md", "chunk_id": str(n), "score": 0.5, "text": f"Passage {n}"}
        for n in (1, 2)
    ]
    complete(fake, "First [1] and second [2].", citations=citations)
    chat.get_by_role("button", name="Source 1: doc-1.md").first.click()
    chat.keyboard.press("ArrowRight")
    expect(chat.get_by_role("dialog")).to_contain_text("Passage 2")
    chat.get_by_role("button", name="Previous").click()
    expect(chat.get_by_role("dialog")).to_contain_text("Passage 1")


def test_cancels_a_waiting_message(chat, log, ask, fake):
    """Cancel stops the message and offers to ask again."""
    ask("Returns?")
    chat.get_by_role("button", name="Cancel").click()
    expect(log.get_by_text("Cancelled")).to_be_visible()
    chat.get_by_role("button", name="Ask again").click()
    expect(log.get_by_text("Position 1 in the queue")).to_be_visible()
    assert len(fake.retried) == 1


def test_a_cancelled_message_is_followed_no_longer(chat, log, ask, fake):
    """Nothing that its old stream may still bring undoes what a person does next."""
    ask("Returns?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    message = fake.last()

    def cancel_without_event(route: Route) -> None:
        message.status = {**message.status, "status": "cancelled"}
        route.fulfill(status=202, json=message.status)

    chat.route("**/cancel", cancel_without_event)
    chat.get_by_role("button", name="Cancel").click()
    expect(log.get_by_text("Cancelled")).to_be_visible()
    wait_until(lambda: not fake.live, 10, "the stream is closed")
    chat.get_by_role("button", name="Ask again").click()
    expect(log.get_by_text("Position 1 in the queue")).to_be_visible()


def test_a_person_may_ask_the_next_question_while_waiting(log, ask, fake):
    """Two questions wait together in one session; only the older one holds a live connection."""
    ask("First?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    ask("Second?")
    expect(log.get_by_text("Position 3")).to_have_count(2)
    first, second = list(fake.messages.values())
    assert first.status["session_id"] == second.status["session_id"]
    assert second.status["message_id"] not in fake.live
    fake.move(first, status="completed", content="One.", citations=[], grounded=True)
    expect(log.get_by_text("One.")).to_be_visible()
    fake.move(second, status="completed", content="Two.", citations=[], grounded=True)
    expect(log.get_by_text("Two.")).to_be_visible()


def test_polls_where_events_fail(log, ask, fake):
    """When the event stream is refused, polling brings the position and the answer."""
    fake.events_status = 503
    ask("Returns?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    fake.move(queue_position=2, eta_seconds=None)
    expect(log.get_by_text("Position 2 in the queue")).to_be_visible()
    complete(fake, "Within 30 days. [1]")
    expect(log.get_by_text("Within 30 days.")).to_be_visible()


def test_tells_the_outcome_to_screen_readers(chat, ask, fake):
    """The status and the finished answer are announced; the pieces are not."""
    ask("Returns?")
    announcer = chat.locator("#announcer")
    expect(announcer).to_have_text("Position 3 in the queue · about 12 s")
    complete(fake, "Within 30 days.", citations=[])
    expect(announcer).to_have_text("Answer: Within 30 days.")
