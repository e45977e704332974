"""The box a message is written in, and how the page reads."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_an_empty_message_cannot_be_sent(chat, fake):
    """Nothing and blanks leave the button disabled; Enter does nothing."""
    box = chat.get_by_label("Your message")
    expect(chat.get_by_role("button", name="Send")).to_be_disabled()
    box.fill("  \n ")
    expect(chat.get_by_role("button", name="Send")).to_be_disabled()
    box.press("Enter")
    expect(chat.locator(".exchange")).to_have_count(0)
    assert fake.posts == []


def test_shift_enter_starts_a_new_line(chat, log, fake):
    """Shift+Enter writes a line end, Enter sends both lines, and the box keeps the focus."""
    box = chat.get_by_label("Your message")
    box.press_sequentially("one")
    box.press("Shift+Enter")
    box.press_sequentially("two")
    box.press("Enter")
    expect(log.get_by_text("Position 3")).to_be_visible()
    expect(box).to_be_focused()
    assert fake.posts[0]["content"] == "one\ntwo"


def test_counts_near_the_limit(chat):
    """The last tenth is counted in characters as the API counts them; beyond, sending is off."""
    box = chat.get_by_label("Your message")
    count = chat.locator("#count")
    box.fill("x" * 150)
    expect(count).to_have_text("")
    box.fill("🙂" * 190)
    expect(count).to_have_text("10 characters left")
    expect(chat.get_by_role("button", name="Send")).to_be_enabled()
    box.fill("x" * 203)
    expect(count).to_have_text("3 characters too many")
    expect(chat.get_by_role("button", name="Send")).to_be_disabled()


def test_everything_is_reached_by_keyboard(chat, log, fake):
    """Tab leads to Cancel, and Enter on it cancels."""
    chat.get_by_label("Your message").fill("Returns?")
    chat.keyboard.press("Enter")
    expect(log.get_by_text("Position 3")).to_be_visible()
    chat.keyboard.press("Shift+Tab")
    expect(chat.get_by_role("button", name="Cancel")).to_be_focused()
    fake.move(queue_position=2)
    expect(log.get_by_text("Position 2")).to_be_visible()
    expect(chat.get_by_role("button", name="Cancel")).to_be_focused()
    chat.keyboard.press("Enter")
    expect(log.get_by_text("Cancelled")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 1100])
def test_nothing_is_wider_than_the_window(chat, log, fake, width):
    """Long words, code and names of documents fit a phone without scrolling sideways."""
    chat.set_viewport_size({"width": width, "height": 700})
    chat.get_by_label("Your message").fill("y" * 180)
    chat.keyboard.press("Enter")
    expect(log.get_by_text("Position 3")).to_be_visible()
    cited = [{"index": 1, "document": "d" * 120 + ".md", "chunk_id": "a", "score": 0.5, "text": "z" * 400}]
    content = "w" * 300 + " [1]\n\n```\n" + "c" * 300 + "\n```"
    fake.move(status="completed", content=content, citations=cited, grounded=False, model="m" * 60)
    chat.locator("button.ref").click()
    expect(chat.get_by_role("dialog")).to_be_visible()
    sizes = chat.evaluate(
        "['html', '#scroller', '#source', '#source-text'].map((q) => document.querySelector(q))"
        ".map((node) => node.scrollWidth - node.clientWidth)"
    )
    assert sizes == [0, 0, 0, 0]


def test_a_reader_who_scrolled_up_stays_there(chat, log, fake):
    """New text doesn't pull the reader down; Latest does."""
    chat.get_by_label("Your message").fill("Returns?")
    chat.keyboard.press("Enter")
    expect(log.get_by_text("Position 3")).to_be_visible()
    long = "\n\n".join(f"Paragraph {number}." for number in range(60))
    fake.write(long, 0)
    expect(log.get_by_text("Paragraph 59.")).to_be_in_viewport()
    chat.mouse.move(500, 300)
    chat.mouse.wheel(0, -1200)
    expect(chat.get_by_role("button", name="Latest")).to_be_visible()
    fake.write("\n\nParagraph 60.", len(long))
    expect(log.get_by_text("Paragraph 60.")).to_have_count(1)
    expect(log.get_by_text("Paragraph 60.")).not_to_be_in_viewport()
    chat.get_by_role("button", name="Latest").click()
    expect(log.get_by_text("Paragraph 60.")).to_be_in_viewport()
    expect(chat.get_by_role("button", name="Latest")).to_be_hidden()
