"""What the page does when a message fails, or can't even be sent."""

import pytest
from playwright.sync_api import Route, expect

pytestmark = pytest.mark.browser


def test_shows_why_a_message_failed_and_retries_it(chat, log, ask, fake):
    """A failure shows its sentence and its code; Retry puts the message back and follows it again."""
    ask("Returns?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    fake.move(status="failed", error="The model llama3.2 is not installed.", error_code="model_missing", attempt=3)
    expect(chat.get_by_role("group", name="Failure")).to_contain_text("The model llama3.2 is not installed.")
    expect(log.get_by_text("model_missing")).to_be_visible()
    chat.get_by_role("button", name="Retry").click()
    expect(log.get_by_text("Position 1 in the queue")).to_be_visible()
    expect(chat.get_by_role("group", name="Failure")).to_be_hidden()
    fake.move(status="completed", content="Now it works.", citations=[], grounded=True)
    expect(log.get_by_text("Now it works.")).to_be_visible()


def test_counts_down_to_the_next_attempt(chat, log, ask, fake):
    """A message between two attempts says what went wrong and when it goes on."""
    ask("Returns?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    soon = chat.evaluate("new Date(Date.now() + 30_000).toISOString()")
    fake.move(error="The model server is overloaded.", error_code="overloaded", next_attempt_at=soon, attempt=1)
    expect(log.get_by_text("The model server is overloaded. Next attempt in 2")).to_be_visible()


def test_offers_to_send_again_after_a_network_failure(chat, log, ask, fake):
    """What didn't get through is kept and sent again with the same key."""
    chat.route("**/message", lambda route: route.abort())
    ask("Returns?")
    expect(log.get_by_text("The server cannot be reached.")).to_be_visible()
    chat.unroute("**/message")
    chat.get_by_role("button", name="Send again").click()
    expect(log.get_by_text("Position 3")).to_be_visible()
    assert len(fake.messages) == 1


def test_a_lost_reply_makes_no_second_message(chat, log, ask, fake):
    """The message arrived but the reply was lost: sending again finds the same message."""

    def lose_the_reply(route: Route) -> None:
        route.fetch()
        route.abort()

    chat.route("**/message", lose_the_reply, times=1)
    ask("Returns?")
    chat.get_by_role("button", name="Send again").click()
    expect(log.get_by_text("Position 3")).to_be_visible()
    assert [post["key"] for post in fake.posts] == [fake.posts[0]["key"]] * 2
    assert len(fake.messages) == 1
    expect(chat.locator(".exchange")).to_have_count(1)


def test_sends_by_itself_when_the_network_is_back(log, ask, fake, context):
    """Going online again sends what was kept, in order."""
    context.set_offline(True)
    ask("First?")
    ask("Second?")
    expect(log.get_by_text("The server cannot be reached.")).to_be_visible()
    expect(log.get_by_text("Waits for the message before it")).to_be_visible()
    context.set_offline(False)
    expect(log.get_by_text("Position 3")).to_have_count(2)
    assert [message.question for message in fake.messages.values()] == ["First?", "Second?"]


def test_an_unsent_message_survives_a_reload(chat, log, ask, fake):
    """A reload sends what the network swallowed before it, with the same key."""

    def lose_the_reply(route: Route) -> None:
        route.fetch()
        route.abort()

    chat.route("**/message", lose_the_reply, times=1)
    ask("Returns?")
    expect(chat.get_by_role("button", name="Send again")).to_be_visible()
    chat.reload()
    expect(log.get_by_text("Position 3")).to_be_visible()
    assert len(fake.messages) == 1


# Each label stands for a second only: the page notes them itself, since looking from outside may come too late.
_NOTE_COUNTDOWN = r"""(words) => {
  window.countdown = [];
  const log = document.querySelector("[role=log]");
  const look = () => {
    const left = log.textContent.split(words)[1]?.match(/^\d+ s/)?.[0];
    if (left && left !== window.countdown.at(-1)) window.countdown.push(left);
  };
  new MutationObserver(look).observe(log, { subtree: true, childList: true, characterData: true });
}"""


@pytest.mark.parametrize(("status", "title"), [(429, "The queue is full"), (503, "The database is away")])
def test_waits_as_long_as_the_server_asks(log, ask, fake, status, title):
    """A busy server's `Retry-After` is shown as a countdown, after which the message goes by itself."""
    fake.script.append((status, {"Retry-After": "2"}, {"title": title, "detail": "…", "code": "busy"}))
    log.page.evaluate(_NOTE_COUNTDOWN, f"{title}. Trying again in ")
    ask("Returns?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    assert log.page.evaluate("window.countdown") == ["2 s", "1 s"]
    assert fake.posts[0] == fake.posts[1]


def test_a_refused_message_can_be_edited(chat, log, ask, fake):
    """A refusal names the reason; Edit brings the text back into the box."""
    problem = {"title": "The request is not valid", "errors": [{"message": "content has a control character."}]}
    fake.script.append((422, {}, problem))
    ask("Returns\u0007?")
    expect(log.get_by_text("content has a control character.")).to_be_visible()
    chat.get_by_role("button", name="Edit").click()
    expect(chat.get_by_label("Your message")).to_have_value("Returns\u0007?")
    expect(chat.locator(".exchange")).to_have_count(0)


def test_a_server_error_keeps_the_message(chat, log, ask, fake):
    """After a 500 without a readable body the message can be sent again."""
    fake.script.append((500, {}, {}))
    ask("Returns?")
    expect(log.get_by_text("The server answered with an error (500).")).to_be_visible()
    chat.get_by_role("button", name="Send again").click()
    expect(log.get_by_text("Position 3")).to_be_visible()


def test_a_vanished_session_starts_a_new_one(log, ask, fake):
    """When the session is gone, the message begins a new one under a new key, and the page says so."""
    ask("First?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    fake.script.append((404, {}, {"code": "unknown_session", "title": "There is no such session"}))
    ask("Second?")
    expect(log.get_by_text("Position 3")).to_have_count(2)
    expect(log.get_by_text("The earlier conversation no longer exists.")).to_be_visible()
    refused, sent = fake.posts[1:]
    assert refused["session_id"] is not None
    assert sent["session_id"] is None
    assert refused["key"] != sent["key"]


def test_says_when_the_connection_is_lost_while_waiting(chat, log, ask, fake, context):
    """A broken connection is told beside the status, and forgotten when it is back."""
    fake.events_status = 503
    ask("Returns?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    context.set_offline(True)
    trouble = chat.locator(".answer")
    expect(trouble).to_have_attribute("data-trouble", "Connection lost. Trying again")
    context.set_offline(False)
    expect(trouble).to_have_attribute("data-trouble", "")


def test_an_action_that_fails_says_so(chat, log, ask):
    """When Cancel can't reach the server, the message stays and the page says why."""
    ask("Returns?")
    expect(log.get_by_text("Position 3")).to_be_visible()
    chat.route("**/cancel", lambda route: route.abort())
    chat.get_by_role("button", name="Cancel").click()
    expect(chat.locator(".answer")).to_have_attribute(
        "data-trouble", "The server cannot be reached. Check your connection."
    )
