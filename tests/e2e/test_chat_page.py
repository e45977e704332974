"""The chat page on the whole system: API, worker, sweeper and models, over Relais' own documents."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from relais.broker import make_broker
from relais_api.main import make_server
from relais_worker.actors import actor_middleware
from relais_worker.main import build_worker
from relais_worker.settings import SweeperSettings, WorkerSettings
from relais_worker.sweeper.main import build_sweeper
from support.api import ADMIN_KEY, serving, settings
from support.engines import dispose
from support.waiting import wait_until

pytestmark = pytest.mark.browser

DOCS = Path(__file__).parents[2] / "docs"
ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}


@dataclass(frozen=True)
class Relais:
    """The running system."""

    http: httpx.Client

    def make_agent(self, **fields: object) -> str:
        """Create an agent; return the address of its chat page."""
        models = {"chat_model": "extractive", "embedding_model": "lexical"}
        body = {"slug": "demo", "name": "Relais", "greeting": "Ask me about Relais.", **models, **fields}
        made = self.http.post("/api/agents", json=body, headers=ADMIN)
        assert made.status_code == 201, made.text
        return f"{self.http.base_url}/c/{made.json()['token']}".replace("//c/", "/c/")

    def ingest(self, *paths: Path) -> None:
        """Give the agent documents and wait until it knows them."""
        files = [("files", (path.name, path.read_bytes(), "text/markdown")) for path in paths]
        sent = self.http.post("/api/agents/demo/documents", files=files, headers=ADMIN)
        assert sent.status_code == 202, sent.text
        wait_until(lambda: self._indexed() == len(paths), 60, "all documents are indexed")

    def _indexed(self) -> int:
        documents = self.http.get("/api/agents/demo/documents", headers=ADMIN).json()["documents"]
        return sum(document["chunks"] is not None for document in documents)


@pytest.fixture
def relais(database_url: str, model_server, tmp_path: Path) -> Iterator[Relais]:
    """Everything in this process, as `relais up` runs it, but for the models."""
    common = {"database_url": database_url, "broker_url": "memory://", "heartbeat_s": 0.5}
    broker = make_broker("memory://", actor_middleware())
    own = {"ollama_url": model_server.url, "qdrant_url": str(tmp_path / "qdrant"), "drain_timeout_s": 0}
    worker = build_worker(WorkerSettings(_env_file=None, **common, **own), broker)
    sweeper = build_sweeper(SweeperSettings(_env_file=None, **common), broker)
    with ExitStack() as ends:
        for service, engine in ((worker, worker._parts.engine), (sweeper, sweeper.engine)):
            ends.callback(dispose, engine)
            service.start()
            ends.callback(service.stop)
        yield Relais(ends.enter_context(serving(make_server(settings(database_url), broker))))


@pytest.fixture
def open_chat(context: BrowserContext) -> Iterator[Callable[[str], Page]]:
    """Open a chat page; any error in its scripts or break of its policy fails the test."""
    errors: list[str] = []

    def open_page(url: str) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if "Content Security" in line.text else None)
        page.goto(url)
        return page

    yield open_page
    assert errors == []


def ask(chat: Page, question: str) -> None:
    chat.get_by_label("Your message").fill(question)
    chat.keyboard.press("Enter")


def test_answers_from_the_documents_with_sources(relais, open_chat, tmp_path):
    """A person asks about Relais, reads a grounded answer, opens its source, and finds it again after a reload."""
    url = relais.make_agent()
    relais.ingest(*sorted(DOCS.glob("*.md")))
    chat = open_chat(url)
    expect(chat.get_by_text("Ask me about Relais.")).to_be_visible()
    ask(chat, "How does Relais recover when a worker dies?")
    answer = chat.locator(".answer[data-state=completed]")
    expect(answer).to_be_visible(timeout=20_000)
    expect(answer.locator(".ungrounded")).to_have_count(0)
    chat.screenshot(path=tmp_path / "answer.png")
    answer.locator("button.ref").first.click()
    sheet = chat.get_by_role("dialog")
    expect(sheet.get_by_role("heading", level=2)).to_contain_text(".md")
    expect(sheet.get_by_role("region", name="Passage")).to_contain_text("worker")
    chat.screenshot(path=tmp_path / "source.png")
    chat.keyboard.press("Escape")
    written = answer.locator(".text").inner_text()
    chat.reload()
    expect(chat.locator(".question p")).to_have_text("How does Relais recover when a worker dies?")
    assert chat.locator(".answer .text").inner_text() == written


def test_streams_while_the_model_writes_and_cancels(relais, open_chat, model_faults):
    """The answer grows before it is done; Cancel stops the model in the middle of it."""
    url = relais.make_agent()
    relais.ingest(DOCS / "concepts.md")
    model_faults.inject(endpoints=["chat"], token_delay_s=0.3)
    chat = open_chat(url)
    ask(chat, "What is a job?")
    expect(chat.get_by_role("log").get_by_text("Writing the answer")).to_be_visible(timeout=20_000)
    expect(chat.locator(".text")).not_to_be_empty()
    chat.get_by_role("button", name="Cancel").click()
    expect(chat.get_by_role("log").get_by_text("Cancelled")).to_be_visible()
    model_faults.end()
    chat.get_by_role("button", name="Ask again").click()
    expect(chat.locator(".answer[data-state=completed]")).to_be_visible(timeout=20_000)


def test_a_reload_in_the_middle_of_an_answer_goes_on(relais, open_chat, model_faults):
    """The text so far is there after the reload, and the rest follows."""
    url = relais.make_agent()
    relais.ingest(DOCS / "concepts.md")
    model_faults.inject(endpoints=["chat"], token_delay_s=0.2)
    chat = open_chat(url)
    ask(chat, "What is a job?")
    expect(chat.locator(".text")).not_to_be_empty(timeout=20_000)
    chat.reload()
    expect(chat.locator(".text")).not_to_be_empty()
    expect(chat.locator(".answer[data-state=completed]")).to_be_visible(timeout=60_000)


def test_a_missing_model_fails_with_the_remedy(relais, open_chat):
    """The failure names the model; after the operator's repair, Retry answers."""
    url = relais.make_agent(chat_model="absent-model")
    relais.ingest(DOCS / "concepts.md")
    chat = open_chat(url)
    ask(chat, "What is a job?")
    failure = chat.get_by_role("group", name="Failure")
    expect(failure).to_contain_text("absent-model", timeout=20_000)
    relais.http.patch("/api/agents/demo", json={"chat_model": "extractive"}, headers=ADMIN).raise_for_status()
    chat.get_by_role("button", name="Retry").click()
    expect(chat.locator(".answer[data-state=completed]")).to_be_visible(timeout=20_000)
    expect(failure).to_have_count(0)


def test_says_so_when_no_document_helps(relais, open_chat):
    """Without a passage above the threshold the page shows the fallback text, marked as not grounded."""
    url = relais.make_agent(fallback_text="I know nothing about that.")
    chat = open_chat(url)
    ask(chat, "What is the airspeed of a swallow?")
    expect(chat.get_by_role("log").get_by_text("I know nothing about that.")).to_be_visible(timeout=20_000)
    expect(chat.get_by_text("Not grounded.")).to_be_visible()


def test_an_unknown_token_is_told_in_plain_words(relais, open_chat):
    """A wrong address answers 404 with a problem that says what is wrong."""
    reply = relais.http.get("/c/no-such-token", headers={"Accept": "text/html"})
    assert reply.status_code == 404
    assert reply.json()["code"] == "unknown_agent"
