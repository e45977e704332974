"""The dialog of an action: it does what it showed, it stays the one that was opened, and keeps the keyboard."""

import json

import pytest
from playwright.sync_api import Page, expect

from support.monitor_page import holding

pytestmark = pytest.mark.browser


def fail(site, error_code: str = "ollama_unreachable") -> None:
    """Let one more message fail."""
    site.scene.message()
    site.scene.fail(site.scene.take(), error_code)


def all_that_match(page: Page, action: str) -> None:
    """Open an action on all that match the filter."""
    page.get_by_role("button", name="All that match the filter").click()
    page.get_by_role("toolbar", name="Actions on jobs").get_by_role("button", name=action).click()


def focus_is_inside(page: Page) -> bool:
    """Whether the keyboard is in the dialog."""
    return bool(page.evaluate("document.getElementById('action-dialog').contains(document.activeElement)"))


def focused_text(page: Page) -> str:
    """The words of what the keyboard is on."""
    return str(page.evaluate("document.activeElement.textContent"))


def test_a_late_preview_does_not_touch_the_next_dialog(site, open_page, sign_in, panel):
    """Who closes a dialog and opens another gets the other's buttons, whatever the first one's preview says later."""
    site.scene.message()
    page = open_page()
    sign_in(page)
    with holding(page, "**/operate/api/jobs/cancel") as held:
        page.locator("#queue").get_by_role("button", name="Cancel").click()
    page.keyboard.press("Escape")
    panel(page, "Queues and agents").get_by_role("button", name="Pause the queue documents").click()
    held.release()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Pause the queue documents")
    expect(dialog.get_by_role("button")).to_have_text(["Close", "Pause"])


def test_a_late_result_is_told_but_not_in_the_next_dialog(site, open_page, sign_in, panel):
    """What a closed dialog still did changes the lists, not the dialog that is open now."""
    job_id = site.scene.message()
    page = open_page("/?state=pending")
    sign_in(page)
    expect(page.locator("#found tbody tr")).to_have_count(1)
    page.locator("#found").get_by_role("button", name="Cancel").click()
    dialog = page.get_by_role("dialog")
    with holding(page, "**/operate/api/jobs/cancel") as held:
        dialog.get_by_role("button", name="Cancel 1 job").click()
    page.keyboard.press("Escape")
    panel(page, "Queues and agents").get_by_role("button", name="Pause the queue documents").click()
    held.release()
    assert site.state_of(job_id) == "cancelled"
    expect(page.locator("#found tbody tr")).to_have_count(0)
    expect(dialog).to_contain_text("No worker takes a job of it from now on.")
    expect(dialog.get_by_role("button")).to_have_text(["Close", "Pause"])


def test_a_late_end_of_a_pause_does_not_close_the_next_dialog(site, open_page, sign_in, panel):
    """A dialog closes by its own success alone, and a failure is told in its own dialog alone."""
    site.scene.message()
    page = open_page()
    sign_in(page)
    panel(page, "Queues and agents").get_by_role("button", name="Pause the queue documents").click()
    with holding(page, "**/operate/api/queues/documents/pause") as held:
        page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    page.keyboard.press("Escape")
    page.locator("#queue").get_by_role("button", name="Cancel").click()
    held.release()
    expect(panel(page, "What is wrong now")).to_contain_text("The queue documents is paused")
    expect(page.get_by_role("dialog").get_by_role("button")).to_have_text(["Close", "Cancel 1 job"])


def test_only_what_was_shown_is_changed(site, open_page, sign_in):
    """Jobs that come to match after the preview stay as they are."""
    fail(site)
    fail(site)
    page = open_page("/?state=failed")
    sign_in(page)
    all_that_match(page, "Retry")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 jobs will be put back")
    fail(site)
    dialog.get_by_role("button", name="Retry 2 jobs").click()
    expect(dialog).to_contain_text("2 jobs put back.")
    assert site.count("failed") == 1


def test_what_moved_on_after_the_preview_is_left(site, open_page, sign_in):
    """The result counts what was changed, not what was shown, and offers nothing more of it."""
    first = site.scene.message()
    site.scene.message()
    page = open_page("/?state=pending")
    sign_in(page)
    all_that_match(page, "Cancel")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 jobs will be cancelled.")
    site.scene.cancel(first)
    dialog.get_by_role("button", name="Cancel 2 jobs").click()
    expect(dialog).to_contain_text("1 job cancelled.")
    expect(dialog).not_to_contain_text("more match")
    expect(dialog.get_by_role("button")).to_have_text(["Done"])


def test_what_was_cancelled_comes_back_only_when_it_is_named(site, open_page, sign_in):
    """Retry of all that match means failed jobs, and says so, unless the filter names the state."""
    fail(site)
    site.scene.cancel(site.scene.message())
    page = open_page("/?agent=demo")
    sign_in(page)
    all_that_match(page, "Retry")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("all jobs with agent demo, state failed")
    expect(dialog).to_contain_text("Only failed ones")
    dialog.get_by_role("button", name="Retry 1 job").click()
    expect(dialog).to_contain_text("1 job put back.")
    assert (site.count("failed"), site.count("cancelled")) == (0, 1)
    dialog.get_by_role("button", name="Done").click()
    page.get_by_role("combobox", name="State").select_option("cancelled")
    all_that_match(page, "Retry")
    dialog.get_by_role("button", name="Retry 1 job").click()
    expect(dialog).to_contain_text("1 job put back.")
    assert site.count("cancelled") == 0


def test_an_action_is_done_by_keyboard(site, open_page, sign_in):
    """From opening to the end the focus stays in the dialog, on what it was on, and goes to what ends it."""
    for _ in range(7):
        fail(site)
    page = open_page("/?state=failed")
    sign_in(page)
    page.get_by_role("button", name="All that match the filter").click()
    page.get_by_role("toolbar", name="Actions on jobs").get_by_role("button", name="Retry").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Retry 5 jobs")).to_be_enabled()
    assert (focus_is_inside(page), focused_text(page)) == (True, "Close")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowDown")
    expect(dialog.get_by_role("button", name="Retry 7 jobs")).to_be_enabled()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    with holding(page, "**/operate/api/jobs/retry") as held:
        page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # a second time does nothing
    expect(dialog.get_by_role("button", name="Retry 7 jobs")).to_be_disabled()
    assert (focus_is_inside(page), focused_text(page)) == (True, "Retry 7 jobs")
    held.release()
    expect(dialog).to_contain_text("7 jobs put back.")
    assert (focus_is_inside(page), focused_text(page)) == (True, "Done")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    assert site.actions() == [("RELAIS_ADMIN_KEY", "retry", 7)]


def test_a_refused_action_can_be_tried_again_by_keyboard(site, open_page, sign_in):
    """An error leaves the focus on the button, which works again."""
    fail(site)
    page = open_page("/?state=failed")
    sign_in(page)
    page.locator("#found").get_by_role("button", name="Retry").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Retry 1 job")).to_be_enabled()
    body = json.dumps({"detail": "Not now."})
    page.route("**/operate/api/jobs/retry", lambda route: route.fulfill(status=503, body=body), times=1)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("Not now.")
    assert focused_text(page) == "Retry 1 job"
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("1 job put back.")


def test_clean_says_in_its_title_what_it_means(open_page, sign_in):
    """The state and the age that are chosen stand in the title, so that "all jobs" isn't read as every job."""
    page = open_page()
    sign_in(page)
    page.get_by_role("toolbar", name="Actions on jobs").get_by_role("button", name="Clean").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Clean: all jobs with state failed, older than 7d")
    dialog.get_by_label("State").select_option("cancelled")
    expect(dialog.get_by_role("heading")).to_have_text("Clean: all jobs with state cancelled, older than 7d")
