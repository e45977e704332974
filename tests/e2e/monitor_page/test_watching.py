"""The status page without a key: what is, as it changes, and nothing that isn't everybody's."""

import json
import re

import pytest
from playwright.sync_api import Route, expect
from sqlalchemy import text

from relais.refs import ref_of
from relais.store.pausing import pause_queue
from support.monitor_page import UNKNOWN
from support.monitor_scene import HOSTILE

pytestmark = pytest.mark.browser


def test_the_page_follows_the_queue(site, open_page, panel):
    """A message that is accepted, claimed and completed moves through the page without a reload."""
    page = open_page()
    jobs = panel(page, "Jobs")
    expect(jobs.get_by_text("Nobody waits.")).to_be_visible()
    ref = ref_of(site.scene.message())
    line = page.locator("#queue").get_by_role("row", name=re.compile(ref))
    expect(line).to_contain_text("pending")
    expect(line).to_contain_text("waits")
    expect(page.locator("#tile-waiting .figure")).to_have_text("1")
    job = site.scene.take()
    site.scene.write(job, "x" * 1200)
    running = page.locator("#running").get_by_role("row", name=re.compile(ref))
    expect(running).to_contain_text("1,200 characters (≈ 300 tokens)")
    expect(panel(page, "Workers")).to_contain_text(ref)
    site.scene.complete(job)
    expect(page.locator("#tile-completed .figure")).to_have_text("1")
    expect(jobs.get_by_text("Nothing runs.")).to_be_visible()


def test_no_workers_is_said_in_plain_words(site, open_page, panel):
    """What is wrong stands above everything, with what it means and what to do."""
    site.scene.message()
    with site.scene.engine.begin() as conn:
        conn.execute(text("UPDATE workers SET stopped_at = now()"))
    page = open_page()
    trouble = panel(page, "What is wrong now").get_by_role("article")
    expect(trouble).to_contain_text("No workers")
    expect(trouble).to_contain_text("1 job waits")
    expect(trouble).to_contain_text("Start a worker")
    expect(page.locator("#tile-workers")).to_contain_text("No workers")


def test_failures_stand_together_by_cause(site, open_page, panel):
    """Counts by cause with the latest job; a click shows these jobs, and the address says so."""
    for _ in range(3):
        site.scene.message()
        site.scene.fail(site.scene.take(), "model_missing")
    page = open_page()
    cause = panel(page, "Failures by cause").get_by_role("row", name=re.compile("model_missing"))
    expect(cause).to_contain_text("3")
    cause.get_by_role("button", name="Show").click()
    expect(page.locator("#found tbody tr")).to_have_count(3)
    assert page.url == f"{site.url}/?state=failed&kind=answer&error_code=model_missing"


def test_filters_live_in_the_address(site, open_page):
    """A filter can be shared, reloaded, and gone back from; a whole id is shortened before it gets there."""
    waiting = site.scene.message()
    site.scene.message()
    site.scene.fail(site.scene.take())
    page = open_page()
    page.get_by_label("State").select_option("failed")
    expect(page.locator("#found tbody tr")).to_have_count(1)
    assert page.url == f"{site.url}/?state=failed"
    page.get_by_label("Job", exact=True).fill(str(waiting))
    page.get_by_label("State").select_option("")
    wanted = f"{site.url}/?ref={ref_of(waiting)}"
    expect(page).to_have_url(wanted)
    page.go_back()
    expect(page.get_by_label("State")).to_have_value("failed")
    expect(page.locator("#found tbody tr")).to_contain_text(["failed"])
    page.go_back()
    expect(page.locator("#view-now")).to_be_visible()
    shared = open_page(wanted)
    expect(shared.locator("#found tbody tr")).to_have_count(1)
    expect(shared.get_by_label("Job", exact=True)).to_have_value(ref_of(waiting))


def test_the_way_back_from_a_job_leads_to_its_list(site, open_page):
    """Who came from a filtered list goes back to it; who came from all jobs, to all jobs."""
    site.scene.message()
    site.scene.fail(site.scene.take())
    page = open_page("/?state=failed")
    page.locator("#found").get_by_role("link").first.click()
    page.get_by_role("link", name="Back to the filtered jobs").click()
    expect(page).to_have_url(f"{site.url}/?state=failed")
    page.get_by_role("button", name="Clear").click()
    page.goto(site.job(site.scene.message()))
    expect(page.get_by_role("link", name="All jobs")).to_have_attribute("href", "/")


def test_what_ended_in_a_day_is_unknown_without_windows(open_page, context):
    """All that is stored never stands where the number of a day belongs; it has a note of its own."""
    figures = {"jobs": {"answer": {"completed": 812, "failed": 3, "cancelled": 0}}}
    context.route("**/api/stats", lambda route: route.fulfill(body=json.dumps({"figures": figures})))
    page = open_page()
    tile = page.locator("#tile-completed")
    expect(tile.locator(".note")).to_have_text("812 stored")
    expect(tile.locator(".figure")).to_have_text(UNKNOWN)


def test_a_state_that_is_not_counted_yet_is_not_shown_as_none(open_page, context):
    """Right after its start the monitor leaves final states out; the tile doesn't claim that none are stored."""
    figures = {"jobs": {"answer": {"pending": 2, "failed": 3}}}
    context.route("**/api/stats", lambda route: route.fulfill(body=json.dumps({"figures": figures})))
    page = open_page()
    expect(page.locator("#tile-failed .note")).to_have_text("3 stored")
    expect(page.locator("#tile-completed .note")).to_have_text("")


def test_a_filter_that_makes_no_sense_says_so(open_page):
    """The field and the remedy, and no list that looks like an answer."""
    page = open_page("/?older_than=soon")
    expect(page.locator("#filter-error")).to_contain_text("older_than: must be seconds, or a number with s, m, h or d")


def test_long_lists_go_on(site, open_page):
    """The list shows the newest fifty; more come on request and stay."""
    site.scene.messages(60)
    page = open_page("/?state=pending")
    expect(page.locator("#found tbody tr")).to_have_count(50)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#found tbody tr")).to_have_count(60)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()


def test_without_a_key_the_page_is_read_only_and_says_why(site, open_page, panel):
    """Nothing can be clicked that would change something; texts, and who did what, need a key."""
    job_id = site.scene.message()
    site.scene.fail(site.scene.take())
    page = open_page()
    bar = page.get_by_role("toolbar", name="Actions on jobs")
    for name in ("Retry", "Cancel", "Unlock", "Clean"):
        expect(bar.get_by_role("button", name=name)).to_be_disabled()
    expect(bar).to_contain_text("sign in with an operator's key")
    expect(page.get_by_role("checkbox")).to_have_count(0)
    expect(panel(page, "Who did what")).to_contain_text("Sign in")
    job = open_page(site.job(job_id))
    expect(panel(job, "Texts")).to_contain_text("Sign in with a key of scope admin")
    assert "SECRET-TEXT" not in page.content() + job.content()


def test_hostile_texts_are_inert(site, open_page, sign_in, panel):
    """What users and models wrote is shown to an administrator as the text it is, and never runs."""
    site.scene.message()
    done = site.scene.take()
    site.scene.complete(done)
    failed = site.scene.message()
    site.scene.fail(site.scene.take())
    page = open_page(site.job(done.id))
    sign_in(page)
    texts = panel(page, "Texts")
    expect(texts.get_by_role("region", name="Question")).to_have_text(HOSTILE)
    expect(texts.get_by_role("region", name="Answer")).to_have_text(HOSTILE)
    page.goto(site.job(failed))
    expect(texts.get_by_role("region", name="Last error")).to_contain_text(HOSTILE)
    page.goto(site.url)
    expect(panel(page, "Failures by cause")).to_contain_text(HOSTILE)
    assert page.title() == "Relais status"
    expect(page.locator("main img")).to_have_count(0)


def test_the_page_says_that_the_database_is_away(site, open_page):
    """It keeps what it knew, says from when that is, and goes on by itself."""
    site.scene.message()
    page = open_page()
    expect(page.locator("#tile-waiting .figure")).to_have_text("1")
    away = '{"code": "database_unavailable", "title": "The database is away", "detail": "PostgreSQL does not answer."}'
    problem = {"status": 503, "body": away, "content_type": "application/problem+json"}
    page.route("**/api/overview", lambda route: route.fulfill(**problem))
    notice = page.get_by_role("alert").filter(has_text="The database is away.")
    expect(notice).to_contain_text("What is shown below is from")
    expect(page.locator("#live")).to_have_text("Not live")
    expect(page.locator("#tile-waiting .figure")).to_have_text("1")
    page.unroute("**/api/overview")
    expect(page.locator("#live")).to_have_text("Live", timeout=30_000)
    expect(notice).to_be_hidden()


def test_the_plots_show_what_ended(site, open_page, panel):
    """Bars from the ledger, with a title and description for those who don't see them, and the same as a table."""
    for _ in range(2):
        site.scene.message()
        site.scene.complete(site.scene.take())
    page = open_page()
    plot = page.get_by_role("figure").filter(has_text="Throughput")
    expect(plot).to_contain_text("2 completed", timeout=20_000)
    expect(plot.get_by_role("img", name="Throughput")).to_be_visible()
    plot.get_by_text("As a table").click()
    # Not always the newest row: a minute may have begun since, even between the two.
    expect(plot.get_by_role("table").get_by_role("cell").filter(has_text=re.compile("^[12]$"))).not_to_have_count(0)
    page.get_by_role("button", name="Last day").click()
    expect(page.get_by_role("button", name="Last day")).to_have_attribute("aria-pressed", "true")
    expect(plot).to_contain_text("2 completed")


def test_a_paused_queue_is_told(site, open_page, panel):
    """A pause is no mystery: the page says since when, and what it means."""
    site.scene.do(pause_queue, "ai-messages")
    page = open_page()
    expect(panel(page, "What is wrong now")).to_contain_text("The queue ai-messages is paused")
    expect(panel(page, "Queues and agents").get_by_role("row", name=re.compile("ai-messages"))).to_contain_text(
        "paused"
    )


def test_a_job_tells_its_life(site, open_page, panel):
    """Attempts with worker, duration and cause of death, why it is where it is, and the figures of its answer."""
    job_id = site.scene.message()
    site.scene.put_off(site.scene.take(), delay_s=0)
    site.scene.complete(site.scene.take())
    page = open_page(site.job(job_id))
    life = panel(page, "Its life").get_by_role("listitem")
    expect(life).to_have_count(3)
    expect(life.nth(1)).to_contain_text("It failed; another attempt followed. Cause: ollama_timeout.")
    expect(life.nth(1)).to_contain_text(f"Worker {site.scene.worker_id}")
    expect(life.nth(2)).to_contain_text("It completed the job.")
    expect(panel(page, "Why it is where it is")).to_contain_text("It was completed by attempt 2.")
    evidence = panel(page, "Evidence of the answer")
    expect(evidence).to_contain_text("44.9 tokens/s")
    expect(evidence.locator("meter")).to_have_count(3)


def test_a_job_that_does_not_exist_says_so(open_page):
    """A mistyped address gets a sentence, not an empty page."""
    page = open_page("/jobs/0123456789ab")
    expect(page.get_by_role("alert").first).to_contain_text("No job has this ref")
    page.goto(page.url.replace("0123456789ab", "nonsense"))
    expect(page.get_by_role("alert").first).to_contain_text("This is no ref of a job")


def test_nothing_can_be_clicked_before_the_page_can_answer(site, open_page):
    """What is clicked while the scripts are on their way isn't swallowed, nor sent by the browser in its own way."""
    page = open_page("/?state=failed")
    held: list[Route] = []
    page.route("**/status.js", lambda route: held.append(route))  # noqa: PLW0108 -- Playwright marks what it calls
    page.goto(page.url, wait_until="commit")
    page.locator("#filters [type=submit]").click(force=True)
    expect(page.locator("main")).to_have_attribute("inert", "")
    page.unroute("**/status.js")  # first, so that a request of this moment isn't held for ever
    for request in held:
        request.continue_()
    page.locator("#clear-filters").click()
    expect(page).to_have_url(f"{site.url}/")
