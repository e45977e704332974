"""The monitor's pages on phones, in the dark, with a keyboard alone, and for screen readers."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from relais.store.leases import beat
from support.seeding import make_worker

pytestmark = pytest.mark.browser

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def furnished(site):
    """Something in every list; the id of the job with the longest story."""
    scene = site.scene
    scene.message()
    scene.complete(scene.take())
    for _ in range(2):
        scene.message()
        scene.fail(scene.take(), "a_very_long_error_code_that_goes_on_and_on")
    story = scene.message()
    scene.put_off(scene.take(), delay_s=0)
    scene.write(scene.take(), "word " * 400)
    scene.document()
    scene.messages(4)
    scene.do(
        beat, worker_id=make_worker(scene.engine, slots=16), lease_s=20, running=[], waiting_for=["ollama", "qdrant"]
    )
    return story


@pytest.fixture
def opened(open_page, looks):
    """The status page in a browser of a size and a colour."""
    return lambda **look: open_page(within=looks(**look))


def defects(page: Page) -> list[str]:
    """What axe finds, each with the places."""
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _RULES}}).response["violations"]
    return [f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes'][:3]]}" for one in found]


@pytest.mark.parametrize(
    "look",
    [{"width": width, "dark": dark} for width in (390, 1280) for dark in (False, True)],
    ids=["phone-light", "phone-dark", "desk-light", "desk-dark"],
)
def test_axe_finds_nothing(opened, site, sign_in, furnished, look):
    """Names, roles, order of headings and contrast hold on both pages, signed in, in both colours and sizes."""
    page = opened(**look)
    expect(page.locator("#queue tbody tr")).not_to_have_count(0)
    assert defects(page) == []
    sign_in(page)
    expect(page.locator("#queue").get_by_role("checkbox")).not_to_have_count(0)
    page.locator("#queue").get_by_role("button", name="Cancel").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("will be cancelled")
    assert defects(page) == []
    page.keyboard.press("Escape")
    page.goto(site.job(furnished))
    expect(page.get_by_role("region", name="Texts").get_by_role("region", name="Question")).to_be_visible()
    assert defects(page) == []


@pytest.mark.parametrize("width", [320, 390, 768, 800, 1024, 1280])
def test_nothing_sticks_out_sideways(opened, site, sign_in, furnished, width):
    """No page has to be scrolled sideways, signed in or not, with a filter or without."""
    page = opened(width=width)
    sign_in(page)
    for path in ("/", "/?state=failed", site.job(furnished)):
        page.goto(path if path.startswith("http") else f"{site.url}{path}")
        expect(page.locator("#live")).to_have_text("Live")
        expect(page.locator("tbody tr, .life li").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_phone_has_its_filter_behind_a_button(opened, furnished):
    """The lists come first; the filter opens on request."""
    page = opened(width=390)
    expect(page.get_by_label("State")).to_be_hidden()
    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_label("State").select_option("failed")
    expect(page.get_by_role("button", name="Filter (1)")).to_be_visible()


def test_a_keyboard_is_enough(site, open_page, furnished):
    """Skip to the content, sign in, find a job, cancel it: without a mouse, and the focus is never lost."""
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Key", exact=True)).to_be_focused()
    page.keyboard.type("test-admin-key-0123456789")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_focused()
    page.get_by_label("Kind").focus()
    page.keyboard.type("ingest")
    page.keyboard.press("Enter")
    row = page.locator("#found tbody tr")
    expect(row).to_have_count(1)
    row.get_by_role("button", name="Cancel").focus()
    with page.expect_response("**/api/jobs?**"):
        pass  # a refresh of the list keeps the focus where it is
    expect(row.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 job will be cancelled.")
    dialog.get_by_role("button", name="Cancel 1 job").press("Enter")
    expect(dialog.get_by_role("button", name="Done")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    assert site.count("cancelled") == 1
