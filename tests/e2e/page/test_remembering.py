"""What a reload, a new tab and a new conversation keep and forget."""

import pytest
from playwright.sync_api import expect

from support.waiting import wait_until

pytestmark = pytest.mark.browser


def finish(fake, content: str) -> None:
    fake.move(status="completed", content=content, citations=[], grounded=True, queue_position=None)


def test_a_reload_shows_the_conversation_and_resumes(chat, log, ask, fake):
    """Questions and answers come back in order; a running message goes on, its text included."""
    ask("First?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    finish(fake, "One.")
    expect(log.get_by_text("One.")).to_be_visible()
    ask("Second?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    fake.move(status="processing", attempt=1, queue_position=None)
    fake.write("Tw", 0)
    expect(log.get_by_text("Tw", exact=True)).to_be_visible()
    chat.reload()
    expect(chat.locator(".question p")).to_have_text(["First?", "Second?"])
    expect(log.get_by_text("One.")).to_be_visible()
    expect(log.get_by_text("Tw", exact=True)).to_be_visible()
    finish(fake, "Two.")
    expect(log.get_by_text("Two.")).to_be_visible()


def test_a_long_conversation_is_read_page_by_page(chat, fake):
    """Every page of the history is fetched; the newest message is in view."""
    fake.page_size = 3
    for number in range(8):
        fake.accept(f"key-{number}", f"Question {number}", "6f1c3a52-2f0b-4b0e-9c57-0b6f6a3d0c11")
        finish(fake, f"Answer {number}\n\n" + "More words. " * 60)
    chat.evaluate("localStorage.setItem('relais:demo-token:session', '6f1c3a52-2f0b-4b0e-9c57-0b6f6a3d0c11')")
    chat.reload()
    expect(chat.locator(".question p")).to_have_text([f"Question {number}" for number in range(8)])
    expect(chat.locator(".exchange").last.locator(".foot")).to_be_in_viewport()


def test_a_new_tab_finds_the_conversation(chat, log, ask, context):
    """The last conversation with this agent is shown in a new tab too."""
    ask("First?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    other = context.new_page()
    other.goto(chat.url)
    expect(other.get_by_text("First?")).to_be_visible()


def test_a_new_conversation_forgets_the_old(chat, log, ask, fake):
    """The button empties the page; the next message has no session, also after a reload."""
    ask("First?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    chat.get_by_role("button", name="New conversation").click()
    expect(chat.locator(".exchange")).to_have_count(0)
    expect(chat.get_by_label("Your message")).to_be_focused()
    chat.reload()
    ask("Second?")
    expect(chat.locator(".question p")).to_have_text(["Second?"])
    expect(log.get_by_text("Position 3")).to_be_visible()
    assert fake.posts[-1]["session_id"] is None


def test_a_deleted_session_is_forgotten(chat, log):
    """A session that the API no longer knows leaves an empty page, without an error."""
    chat.evaluate("sessionStorage.setItem('relais:demo-token:session', '6f1c3a52-2f0b-4b0e-9c57-0b6f6a3d0c11')")
    chat.reload()
    expect(log.get_by_text("I answer questions about orders")).to_be_visible()
    # Not `wait_for_function`: from its second look on it evaluates in the page, which the page's CSP refuses.
    wait_until(lambda: chat.evaluate("sessionStorage.getItem('relais:demo-token:session')") is None, 10, "forgotten")


def test_says_when_the_history_cannot_be_read(chat, log, ask, fake):
    """A history that fails leaves a notice and a working box."""
    ask("First?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    chat.route("**/api/sessions/**", lambda route: route.abort())
    chat.reload()
    expect(log.get_by_text("The earlier conversation cannot be shown.")).to_be_visible()
    ask("Second?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    assert fake.posts[-1]["session_id"] == fake.last().status["session_id"]


def test_the_draft_survives_a_reload(chat, log):
    """What is typed and not sent is there again after a reload, and gone after it is sent."""
    chat.get_by_label("Your message").fill("Half a thou")
    chat.reload()
    expect(chat.get_by_label("Your message")).to_have_value("Half a thou")
    chat.keyboard.press("Enter")
    expect(log.get_by_text("Position 3")).to_be_visible()
    chat.reload()
    expect(chat.get_by_label("Your message")).to_have_value("")
