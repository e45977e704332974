"""HTML and scripts in whatever people and models write are inert on every page, and would be stopped by its policy."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import text

from relais.store.settle import settle_completed, settle_failed
from relais_cli.parts.postgres import EmbeddedPostgres
from relais_monitor.main import make_server as make_monitor
from relais_monitor.settings import MonitorSettings
from support.api import TOKEN, Api, fresh_api, serving
from support.seeding import answer, claim, make_worker
from support.waiting import wait_until

pytestmark = pytest.mark.browser

ATTACKS = (
    "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
    '"><svg onload=window.hacked=1> [x](javascript:window.hacked=1) <iframe srcdoc="<script>parent.hacked=1</script>">'
)


@pytest.fixture(scope="module")
def api(postgres: EmbeddedPostgres) -> Iterator[Api]:
    """An API whose only agent attacks with its name and its greeting."""
    with fresh_api(postgres, "hostile") as running:
        with running.engine.begin() as conn:
            conn.execute(text("UPDATE agents SET name = :a, greeting = :a"), {"a": ATTACKS})
        yield running


@pytest.fixture
def visit(context: BrowserContext) -> Iterator[Page]:
    """A page that fails the test when a script of an attack ran, a dialog opened, or another host was asked."""
    page = context.new_page()
    foreign: list[str] = []
    page.on("dialog", lambda dialog: foreign.append(dialog.message))
    page.on("request", lambda asked: foreign.append(asked.url) if "://127.0.0.1" not in asked.url else None)
    yield page
    assert page.evaluate("window.hacked") is None
    assert foreign == []


def injected(page: Page) -> bool:
    """Whether a script that got into the page all the same would run."""
    return page.evaluate(
        """() => {
            const script = document.createElement('script');
            try { script.text = 'window.injected = 1'; } catch { return false; }
            document.head.append(script);
            return window.injected === 1;
        }"""
    )


def claim_it(api: Api) -> UUID:
    """The message that was posted, claimed by a worker; the page shows a question before it is accepted."""
    worker = make_worker(api.engine)
    return wait_until(lambda: claim(api.engine, worker), message="the message is accepted").id


def test_texts_of_agents_questions_answers_and_documents_are_inert(api, visit):
    """Name, greeting, question, answer, document name and passage appear as the very characters that they are."""
    visit.goto(f"{api.http.base_url}/c/{TOKEN}")
    expect(visit.get_by_role("heading", level=1)).to_have_text(ATTACKS)
    expect(visit.get_by_text(ATTACKS).first).to_be_visible()
    visit.get_by_label("Your message").fill(ATTACKS)
    visit.keyboard.press("Enter")
    expect(visit.locator(".question p")).to_have_text(ATTACKS)
    cited = [{"index": 1, "document": ATTACKS, "chunk_id": "a", "score": 0.9, "text": ATTACKS}]
    job = claim_it(api)
    with api.engine.begin() as conn:
        settle_completed(conn, job, 1, replace(answer(f"{ATTACKS} [1]"), citations=cited))
    expect(visit.locator(".answer[data-state=completed]")).to_be_visible()
    visit.locator("button.ref").first.click()
    expect(visit.get_by_role("dialog")).to_contain_text("<script>window.hacked=1</script>")
    assert visit.locator(":is(.text, #log, dialog) :is(img, script, iframe, a, [onload], [onerror])").count() == 0
    visit.keyboard.press("Escape")
    visit.reload()
    expect(visit.locator(".answer[data-state=completed]")).to_be_visible()
    assert not injected(visit)


def test_the_text_of_an_error_is_inert(api, visit):
    """A failure whose reason has markup in it shows no more than its words."""
    visit.goto(f"{api.http.base_url}/c/{TOKEN}")
    visit.get_by_label("Your message").fill("Fail, please")
    visit.keyboard.press("Enter")
    expect(visit.locator(".question p")).to_have_text("Fail, please")
    job = claim_it(api)
    with api.engine.begin() as conn:
        settle_failed(conn, job, 1, error_code="model_missing", error=ATTACKS)
    expect(visit.locator(".answer[data-state=failed]")).to_be_visible()
    assert visit.locator("#log :is(img, script, iframe)").count() == 0


def test_the_reference_and_the_monitor_run_no_script(api, postgres, visit):
    """`/docs` and the status page have none, and their policies stop any that gets in."""
    visit.goto(f"{api.http.base_url}/docs")
    expect(visit.get_by_text("POST /c/{token}/message")).to_be_visible()
    assert not injected(visit)
    settings = MonitorSettings(_env_file=None, database_url=postgres.url("hostile"), monitor_port=0)
    with serving(make_monitor(settings)) as monitor:  # type: ignore[arg-type] # a server of uvicorn, as the API's
        visit.goto(str(monitor.base_url))
        expect(visit.get_by_role("heading", name="Jobs")).to_be_visible()
        assert not injected(visit)


@pytest.mark.parametrize(
    "path", ["/c/unknown", f"/c/{TOKEN}/<script>window.hacked=1</script>", "/api/agents", "/assets/x/<b>"]
)
def test_a_problem_in_a_browser_is_text(api, visit, path):
    """What an address says is never shown as HTML: problems are JSON, and browsers may not guess otherwise."""
    answered = visit.goto(f"{api.http.base_url}{path}")
    assert answered is not None
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.headers["x-content-type-options"] == "nosniff"
    assert visit.locator(":is(b, script)").count() == 0
