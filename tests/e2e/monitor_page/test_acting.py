"""The status page with a key: a preview first, a few to try, then all; and who did it."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from relais.store.pausing import pause_queue
from relais.store.sweep import advance_watermarks
from relais.store.workers import hold_worker_lock
from support.api import ADMIN_KEY
from support.monitor_scene import READ_KEY
from support.waiting import wait_until

pytestmark = pytest.mark.browser


@pytest.fixture
def failures(site):
    """Seven failed jobs of one cause, and one of another."""
    for _ in range(7):
        site.scene.message()
        site.scene.fail(site.scene.take(), "ollama_unreachable")
    site.scene.message()
    site.scene.fail(site.scene.take(), "model_missing")


def test_five_are_retried_first_then_the_rest(site, open_page, sign_in, panel, failures):
    """What would change is shown, the canary goes alone, the rest on request; the record names both."""
    page = open_page("/?state=failed&error_code=ollama_unreachable")
    sign_in(page)
    page.get_by_role("button", name="All that match the filter").click()
    page.get_by_role("toolbar", name="Actions on jobs").get_by_role("button", name="Retry").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("all jobs with state failed, error ollama_unreachable")
    expect(dialog).to_contain_text("7 jobs will be put back into the queue.")
    expect(dialog.get_by_role("list", name="The first of them").get_by_role("link")).to_have_count(7)
    assert site.count("failed") == 8
    dialog.get_by_role("button", name="Retry 5 jobs").click()
    expect(dialog).to_contain_text("5 jobs put back. 2 more match.")
    assert site.count("failed") == 3
    dialog.get_by_role("button", name="Retry more").click()
    expect(dialog).to_contain_text("2 jobs will be put back into the queue.")
    dialog.get_by_role("button", name="Retry 2 jobs").click()
    expect(dialog).to_contain_text("2 jobs put back.")
    dialog.get_by_role("button", name="Done").click()
    assert site.count("failed") == 1
    assert site.actions() == [("RELAIS_ADMIN_KEY", "retry", 5), ("RELAIS_ADMIN_KEY", "retry", 2)]
    audit = panel(page, "Who did what").get_by_role("row", name=re.compile("RELAIS_ADMIN_KEY"))
    expect(audit).to_have_count(2)
    expect(audit.first).to_contain_text("state failed")


def test_selected_jobs_alone_are_changed(site, open_page, sign_in, failures):
    """Ticked jobs keep their ticks while the list is refreshed; only they are acted on."""
    page = open_page("/?state=failed")
    sign_in(page)
    boxes = page.locator("#found").get_by_role("checkbox")
    expect(boxes).to_have_count(8)
    with page.expect_response("**/api/jobs?**"):
        boxes.nth(1).check()
        boxes.nth(4).check()
    expect(boxes.nth(4)).to_be_checked()
    expect(page.get_by_role("button", name="Selected (2)")).to_be_visible()
    page.get_by_role("toolbar", name="Actions on jobs").get_by_role("button", name="Retry").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 selected jobs")
    dialog.get_by_role("button", name="Retry 2 jobs").click()
    expect(dialog).to_contain_text("2 jobs put back.")
    assert site.count("failed") == 6


def test_one_job_is_cancelled_from_its_row(site, open_page, sign_in):
    """A row offers what its job can do; a dialog that is closed changes nothing."""
    job_id = site.scene.message()
    page = open_page()
    sign_in(page)
    page.locator("#queue").get_by_role("button", name="Cancel").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 job will be cancelled.")
    page.keyboard.press("Escape")
    assert site.state_of(job_id) == "pending"
    page.locator("#queue").get_by_role("button", name="Cancel").click()
    dialog.get_by_role("button", name="Cancel 1 job").click()
    expect(dialog).to_contain_text("1 job cancelled.")
    assert site.state_of(job_id) == "cancelled"


@pytest.mark.usefixtures("kept_well")
def test_unlock_says_whom_it_leaves_alone(site, open_page, sign_in):
    """A job of a worker that is well is left out, with the reason; force takes it all the same."""
    job_id = site.scene.message()
    site.scene.take()
    with site.scene.engine.connect() as life_line:
        assert hold_worker_lock(life_line, site.scene.worker_id)
        page = open_page(site.job(job_id))
        sign_in(page)
        page.get_by_role("button", name="Unlock").click()
        expect(page.get_by_role("dialog")).to_contain_text("is well and works on it")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("0 jobs")
    expect(dialog.get_by_role("button", name="Unlock")).to_be_disabled()
    dialog.get_by_label("Force").check()
    dialog.get_by_role("button", name="Unlock 1 job").click()
    expect(dialog).to_contain_text("1 job unlocked.")
    assert site.state_of(job_id) == "queued"
    dialog.get_by_role("button", name="Done").click()
    expect(page.get_by_role("region", name="Its life")).to_contain_text("Unlocked by a person")


def test_clean_takes_away_what_ended_long_ago(site, open_page, sign_in):
    """The age and the state are chosen, the preview follows, and the conversation stays."""
    job_id = site.scene.message()
    site.scene.fail(site.scene.take())
    site.scene.backdate(job_id, 8 * 86_400)
    site.scene.message()
    site.scene.fail(site.scene.take())
    site.scene.do(advance_watermarks)
    page = open_page()
    sign_in(page)
    page.get_by_role("toolbar", name="Actions on jobs").get_by_role("button", name="Clean").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 job will be cleaned away.")
    dialog.get_by_label("Ended longer ago than").fill("30d")
    dialog.get_by_label("Ended longer ago than").blur()
    expect(dialog).to_contain_text("0 jobs")
    dialog.get_by_label("Ended longer ago than").fill("7d")
    dialog.get_by_label("Ended longer ago than").blur()
    dialog.get_by_role("button", name="Clean 1 job").click()
    expect(dialog).to_contain_text("1 job cleaned away.")
    assert site.count("failed") == 1
    with site.scene.engine.begin() as conn:
        assert conn.execute(text("SELECT count(*) FROM every_job")).scalar_one() == 2


@pytest.mark.usefixtures("kept_well")
def test_a_queue_is_paused_and_resumed(site, open_page, sign_in, panel):
    """Both ask first; a paused queue can be resumed where the page says that it is paused."""
    page = open_page()
    sign_in(page)
    panel(page, "Queues and agents").get_by_role("button", name="Pause the queue documents").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("No worker takes a job of it from now on.")
    dialog.get_by_role("button", name="Pause").click()
    trouble = panel(page, "What is wrong now")
    expect(trouble).to_contain_text("The queue documents is paused")
    trouble.get_by_role("button", name="Resume").click()
    dialog.get_by_role("button", name="Resume").click()
    expect(trouble.get_by_role("article")).to_have_count(0)
    assert [action for _, action, _ in site.actions()] == ["queue.pause", "queue.resume"]


def test_an_agent_is_paused(site, open_page, sign_in, panel):
    """As a queue, for one agent."""
    page = open_page()
    sign_in(page)
    panel(page, "Queues and agents").get_by_role("button", name="Pause the agent demo").click()
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(panel(page, "What is wrong now")).to_contain_text("The agent demo is paused")


def test_an_alert_is_silenced(site, open_page, sign_in, panel):
    """A silence has a length and a reason, and can be ended."""
    with site.scene.engine.begin() as conn:
        conn.execute(text("UPDATE heartbeats SET ran_at = now() - interval '1 hour' WHERE part = 'sweeper'"))
    page = open_page()
    sign_in(page)
    alerts = panel(page, "Alerts")
    alerts.get_by_role("button", name="Silence RelaisSweeperSilent").click(timeout=30_000)
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("we know")
    dialog.get_by_role("button", name="Silence").click()
    expect(alerts.get_by_role("button", name="End the silence of RelaisSweeperSilent")).to_be_visible(timeout=20_000)
    assert ("RELAIS_ADMIN_KEY", "silence.add", 1) in site.actions()


def test_the_diagnosis_says_what_is_wrong(site, open_page, sign_in, panel):
    """A key gets findings with a recommendation; a system that is well gets that."""
    site.scene.do(pause_queue, "ai-messages")
    site.scene.message()
    page = open_page()
    sign_in(page)
    expect(panel(page, "Diagnosis").get_by_role("row", name=re.compile("paused"))).to_be_visible()


def test_a_wrong_key_is_refused(open_page):
    """The dialog says so and stays; nothing is kept."""
    page = open_page()
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Key", exact=True).fill("not-a-key-that-exists")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("The key is unknown or was revoked")
    assert page.evaluate("Object.keys(sessionStorage).length") == 0


@pytest.mark.parametrize("typed", ["schl\u00fcssel", "\u043a\u043b\u044e\u0447", "two words"])
def test_what_cannot_be_a_key_is_said_to_be_none(open_page, typed):
    """Characters that no key has are told as such; the monitor isn't blamed, and not asked."""
    page = open_page()
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Key", exact=True).fill(typed)
    page.keyboard.press("Enter")
    told = page.get_by_role("dialog").get_by_role("alert")
    expect(told).to_have_text("This is no key: it has characters that no key has.")


def test_a_key_that_may_only_read_is_told_so(site, open_page, sign_in, failures, panel):
    """Scope read sees the errors and the record of actions, not the controls, not the texts."""
    page = open_page("/?state=failed")
    sign_in(page, READ_KEY)
    expect(page.get_by_role("toolbar", name="Actions on jobs")).to_contain_text("this key has scope read")
    expect(page.get_by_role("checkbox")).to_have_count(0)
    expect(panel(page, "Who did what")).to_contain_text("Nobody did anything yet.")
    page.locator("#found").get_by_role("link").first.click()
    expect(panel(page, "Texts")).to_contain_text("Question and answer need a key of scope admin")


def test_the_key_stays_in_the_tab(site, open_page, sign_in):
    """A reload keeps it, another tab doesn't have it, signing out forgets it."""
    page = open_page()
    sign_in(page)
    page.reload()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    other = open_page()
    expect(other.get_by_role("button", name="Sign in")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert ADMIN_KEY not in page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])")


def test_an_action_that_reaches_nobody_changes_nothing(site, open_page, sign_in, failures):
    """When the API is away the dialog says so, with the setting to look at."""
    page = open_page("/?state=failed")
    sign_in(page)
    away = '{"code": "api_unreachable", "detail": "The monitor can\u0027t reach the API; nothing was changed."}'
    page.route("**/operate/api/jobs/retry", lambda route: route.fulfill(status=502, body=away))
    page.locator("#found").get_by_role("button", name="Retry").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("The monitor can't reach the API")
    expect(page.get_by_role("dialog").get_by_role("button", name="Retry")).to_be_disabled()
    wait_until(lambda: site.count("failed") == 8)
