"""Chromium on the monitor's pages: a real monitor and a real API over a database that a test furnishes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page
from pydantic import SecretStr
from sqlalchemy import insert, text

from relais.broker import make_broker
from relais.refs import ref_of
from relais.store.api_keys import hash_key
from relais.store.schema import api_keys
from relais_api.main import make_server as make_api
from relais_monitor.main import make_server as make_monitor
from relais_monitor.settings import MonitorSettings
from support.api import ADMIN_KEY, serving, settings
from support.interception import open_intercepted
from support.monitor_scene import READ_KEY, Scene

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Site:
    """The monitor at its address, and what is behind it."""

    url: str
    scene: Scene

    def state_of(self, job_id: object) -> str:
        """The state of a job, from the database."""
        with self.scene.engine.begin() as conn:
            return str(conn.execute(text("SELECT state FROM jobs WHERE id = :id"), {"id": job_id}).scalar_one())

    def count(self, state: str) -> int:
        """How many jobs are in a state, from the database."""
        with self.scene.engine.begin() as conn:
            return int(
                conn.execute(text("SELECT count(*) FROM jobs WHERE state = :state"), {"state": state}).scalar_one()
            )

    def actions(self) -> list[tuple[str, str, int]]:
        """Who did what to how many, from the database."""
        with self.scene.engine.begin() as conn:
            rows = conn.execute(text("SELECT actor, action, changed FROM operator_actions ORDER BY id"))
            return [(row.actor, row.action, row.changed) for row in rows]

    def job(self, job_id: object) -> str:
        """The address of a job's page."""
        return f"{self.url}/jobs/{ref_of(str(job_id))}"


@pytest.fixture
def scene(engine) -> Scene:
    """A system that is well and idle."""
    with engine.begin() as conn:
        conn.execute(insert(api_keys).values(name="reader", scope="read", id=_KEY_ID, key_sha256=hash_key(READ_KEY)))
    return Scene(engine).furnish()


@pytest.fixture
def kept_well(scene: Scene) -> Iterator[None]:
    """Everybody goes on showing signs of life, however long the test takes."""
    over = threading.Event()
    keeper = threading.Thread(target=_keep_well, args=(scene, over))
    keeper.start()
    yield
    over.set()
    keeper.join()


def _keep_well(scene: Scene, over: threading.Event) -> None:
    while not over.wait(0.5):
        with scene.engine.begin() as conn:
            conn.execute(text("UPDATE heartbeats SET ran_at = now()"))
            conn.execute(text("UPDATE leases SET expires_at = now() + interval '20 seconds'"))
            conn.execute(text("UPDATE workers SET heartbeat_at = now() WHERE stopped_at IS NULL"))


@pytest.fixture
def site(scene: Scene, database_url: str) -> Iterator[Site]:
    """The monitor, and the API behind it."""
    with ExitStack() as ends:
        api = ends.enter_context(serving(make_api(settings(database_url), make_broker("memory://"))))
        own = {"database_url": SecretStr(database_url), "monitor_port": 0, "monitor_cache_s": 0.1}
        configured = MonitorSettings(_env_file=None, monitor_api_url=str(api.base_url).rstrip("/"), **own)
        monitor = ends.enter_context(serving(make_monitor(configured)))
        yield Site(str(monitor.base_url).rstrip("/"), scene)


@pytest.fixture
def open_page(context: BrowserContext, site: Site) -> Iterator[Callable[..., Page]]:
    """Open a page of the monitor; any error in its scripts or break of its policy fails the test."""
    errors: list[str] = []

    def open_it(path: str = "/", *, within: BrowserContext | None = None) -> Page:
        page = open_intercepted(within or context)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if "Content Security" in line.text else None)
        page.on("request", lambda request: errors.append(request.url) if not request.url.startswith(site.url) else None)
        page.goto(path if path.startswith("http") else f"{site.url}{path}")
        page.locator("#live[data-state=live]").wait_for()
        return page

    yield open_it
    assert errors == []


@pytest.fixture
def sign_in() -> Callable[..., None]:
    """Type an operator's key."""

    def type_it(page: Page, key: str = ADMIN_KEY) -> None:
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("Key", exact=True).fill(key)
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Sign out").wait_for()

    return type_it


@pytest.fixture
def looks(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Make browsers of other sizes and colours."""
    with ExitStack() as ends:

        def make(*, width: int = 1100, height: int = 800, dark: bool = False) -> BrowserContext:
            scheme = "dark" if dark else "light"
            size = {"width": width, "height": height}
            made = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
            made.set_default_timeout(10_000)
            ends.callback(made.close)
            return made

        yield make


@pytest.fixture
def panel() -> Callable[[Page, str], Locator]:
    """Find a part of the page by its heading."""
    return lambda page, name: page.get_by_role("region", name=name, exact=True)


_KEY_ID = "00000000-0000-4000-8000-000000000001"
