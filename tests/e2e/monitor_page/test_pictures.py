"""The pictures of the documentation are what the page shows; `RELAIS_PICTURES=docs/images` takes them anew."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from relais.store.leases import beat
from relais.store.pausing import pause_queue
from support.monitor_hour import live_an_hour
from support.monitor_scene import Scene

pytestmark = pytest.mark.browser


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(os.environ.get("RELAIS_PICTURES", tmp_path))


@pytest.fixture
def story(scene: Scene, kept_well: None) -> object:
    """A help desk at work, kept alive while its picture is taken."""
    with scene.engine.begin() as conn:
        conn.execute(text("UPDATE agents SET slug = 'help-desk'"))
    return live_an_hour(scene)


def settle(page: Page) -> None:
    """Wait until all that the page shows has come."""
    expect(page.get_by_role("figure").filter(has_text="Throughput")).to_contain_text("completed", timeout=30_000)
    for name in ("completed", "alerts"):
        expect(page.locator(f"#tile-{name} .figure")).to_have_text(re.compile("[0-9]"), timeout=20_000)


def test_the_page_at_work(story, open_page, looks, folder):
    """An hour of work in light, in dark, and on a phone."""
    for name, look in (
        ("status-page", {"width": 1280, "height": 1240}),
        ("status-page-dark", {"width": 1280, "height": 1240, "dark": True}),
        ("status-page-phone", {"width": 390, "height": 844}),
    ):
        page = open_page(within=looks(**look))
        settle(page)
        expect(page.locator("#running tbody tr")).to_have_count(3)
        page.screenshot(path=folder / f"{name}.png")


def test_a_retry_and_its_preview(story, open_page, looks, sign_in, folder):
    """What would change is shown before it changes."""
    page = open_page("/?state=failed", within=looks(width=1280, height=900))
    sign_in(page)
    settle(page)
    page.get_by_role("button", name="All that match the filter").click()
    page.get_by_role("toolbar", name="Actions on jobs").get_by_role("button", name="Retry").click()
    expect(page.get_by_label("First 5 only")).to_be_checked()
    page.screenshot(path=folder / "status-page-retry.png")


def test_a_job_with_a_story(story, site, open_page, sign_in, folder):
    """Two attempts that died and one that answered, with the evidence of the answer."""
    page = open_page(site.job(story))
    sign_in(page)
    expect(page.get_by_role("region", name="Its life").get_by_role("listitem")).to_have_count(4)
    expect(page.get_by_role("region", name="Question")).to_contain_text("return an order")
    page.screenshot(path=folder / "job-page.png", full_page=True)


def test_what_is_wrong(story, scene, open_page, looks, folder):
    """A model server that is down, and a paused queue, above everything else."""
    scene.do(pause_queue, "documents")
    page = open_page(within=looks(width=1280, height=700))
    settle(page)
    scene.do(beat, worker_id=scene.worker_id, lease_s=20, running=[], waiting_for=["ollama"])
    expect(page.get_by_role("article").first).to_contain_text("The model server (Ollama) is down")
    page.screenshot(path=folder / "status-page-trouble.png")
