"""The page when replies come late or not at all: nothing of a former viewer or filter is shown, and it recovers."""

import json
import re

import pytest
from playwright.sync_api import Page, Route, expect

from relais.refs import ref_of
from support.monitor_page import holding
from support.monitor_scene import HOSTILE

pytestmark = pytest.mark.browser

_HIDDEN = "Texts of messages are hidden."


def sign_out(page: Page) -> None:
    """Forget the key."""
    page.get_by_role("button", name="Sign out").click()


def fails_once(route: Route) -> None:
    """Answer as a proxy does whose server is away."""
    route.fulfill(status=502, body=json.dumps({"detail": "Not reachable for a moment."}))


def test_texts_that_come_after_signing_out_stay_hidden(site, open_page, sign_in, panel):
    """Who signs out while the texts are on their way doesn't leave them on the screen."""
    site.scene.message()
    done = site.scene.take()
    site.scene.complete(done)
    page = open_page(site.job(done.id))
    with holding(page, f"**/operate/api/jobs/{ref_of(done.id)}") as held:
        sign_in(page)
    sign_out(page)
    expect(panel(page, "Texts")).to_contain_text(_HIDDEN)
    held.release()
    expect(panel(page, "Texts")).to_contain_text(_HIDDEN)
    assert "SECRET-TEXT" not in page.content()


@pytest.mark.parametrize(
    ("address", "name"),
    [("**/operate/api/audit?*", "Who did what"), ("**/operate/api/diagnosis", "Diagnosis")],
    ids=["audit", "diagnosis"],
)
def test_a_list_that_comes_after_signing_out_stays_hidden(open_page, sign_in, panel, address, name):
    """The same for what only those with a key may see."""
    page = open_page()
    with holding(page, address) as held:
        sign_in(page)
    sign_out(page)
    held.release()
    expect(panel(page, name)).to_contain_text("Sign in with an operator's key")


def test_texts_come_after_a_call_that_failed(site, open_page, sign_in, panel):
    """A moment without the API is told, and over when it is over."""
    job_id = site.scene.message()
    page = open_page(site.job(job_id))
    page.route("**/operate/api/jobs/*", fails_once, times=1)
    sign_in(page)
    expect(panel(page, "Texts").get_by_role("region", name="Question")).to_have_text(HOSTILE, timeout=15_000)


def test_the_answer_so_far_grows_with_what_is_written(site, open_page, sign_in, panel):
    """An administrator who watches a running job sees its text as it becomes longer."""
    job_id = site.scene.message()
    job = site.scene.take()
    site.scene.write(job, "Once")
    page = open_page(site.job(job_id))
    sign_in(page)
    so_far = panel(page, "Texts").get_by_role("region", name="Answer so far")
    expect(so_far).to_have_text("Once")
    site.scene.write(job, "Once upon a time")
    expect(so_far).to_have_text("Once upon a time")


def test_the_record_of_actions_comes_after_a_call_that_failed(open_page, sign_in, panel):
    """It is asked for again without anybody doing anything, and so shows what others did."""
    page = open_page()
    page.route("**/operate/api/audit?*", fails_once, times=1)
    sign_in(page)
    expect(panel(page, "Who did what")).to_contain_text("Not reachable for a moment.")
    expect(panel(page, "Who did what")).to_contain_text("Nobody did anything yet.", timeout=20_000)


def test_the_words_of_a_failure_follow_the_last_job(site, open_page, sign_in, panel):
    """A cause shows the message of its latest job, after a failed call too, and nothing once signed out."""

    def tell(route: Route) -> None:
        route.fulfill(body=json.dumps({"error": f"Words of {route.request.url[-12:]}."}))

    first = site.scene.message()
    site.scene.fail(site.scene.take())
    page = open_page()
    causes = panel(page, "Failures by cause")
    page.route("**/operate/api/jobs/*", tell)
    page.route("**/operate/api/jobs/*", fails_once, times=1)
    sign_in(page)
    expect(causes).to_contain_text(f"Words of {ref_of(first)}.", timeout=20_000)
    second = site.scene.message()
    site.scene.fail(site.scene.take())
    expect(causes).to_contain_text(f"Words of {ref_of(second)}.")
    sign_out(page)
    expect(causes).not_to_contain_text("Words of")


def test_more_of_a_former_filter_is_dropped(site, open_page):
    """Who reads on and filters anew meanwhile sees what the new filter finds, and only that."""
    site.scene.message()
    site.scene.fail(site.scene.take())
    site.scene.messages(60)
    page = open_page("/?state=pending")
    more = page.get_by_role("button", name="Show more")
    expect(page.locator("#found tbody tr")).to_have_count(50)
    with holding(page, re.compile(r"/api/jobs\?.*cursor=")) as held:
        more.click()
    expect(more).to_be_disabled()
    page.get_by_role("combobox", name="State").select_option("failed")
    expect(page.locator("#found tbody tr")).to_have_count(1)
    held.release()
    expect(page.locator("#found tbody tr")).to_have_count(1)
    page.get_by_role("combobox", name="State").select_option("pending")
    expect(page.locator("#found tbody tr")).to_have_count(50)
    more.click()
    expect(page.locator("#found tbody tr")).to_have_count(60)


def test_a_link_to_a_place_on_the_page_keeps_the_ticks(site, open_page, sign_in):
    """The tile of the alerts and the skip link change the address, not the filter."""
    for _ in range(2):
        site.scene.message()
        site.scene.fail(site.scene.take())
    page = open_page("/?state=failed")
    sign_in(page)
    for box in page.locator("#found").get_by_role("checkbox").all():
        box.check()
    page.locator("#tile-alerts").click()
    expect(page).to_have_url(re.compile("#alerts$"))
    page.get_by_role("link", name="Skip to the content").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#main$"))
    expect(page.get_by_role("button", name="Selected (2)")).to_be_visible()
    expect(page.locator("#found").get_by_role("checkbox", checked=True)).to_have_count(2)
