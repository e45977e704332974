"""Five broken situations: a stranger sees on the status page why, and mends each from there and by the command line.

Everything is real: processes, PostgreSQL, RabbitMQ, Chromium. The pictures of docs/situations.md are recorded with
`RELAIS_PICTURES=docs/images`, a folder that gets one of each broken situation; all others stay in pytest's folder.
"""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from relais.refs import ref_of
from relais_cli.parts.postgres import EmbeddedPostgres
from relais_cli.parts.rabbitmq_node import RabbitMQNode
from support.postgres_fixtures import TEMPLATE
from support.rabbitmq_admin import RabbitMQAdmin
from support.stranger import SIZE, Stranger
from support.whole_system import WholeSystem, whole_system

pytestmark = [pytest.mark.browser, pytest.mark.rabbitmq, pytest.mark.timeout(600)]

_NAME = "five-situations"
_DOCS = Path(__file__).parents[2] / "docs" / "situations.md"


@pytest.fixture(scope="module")
def running_system(
    postgres: EmbeddedPostgres,
    rabbitmq: RabbitMQNode,
    rabbitmq_admin: RabbitMQAdmin,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[WholeSystem]:
    """One system for all five, which saves its start."""
    postgres.create_database(_NAME, template=TEMPLATE)
    rabbitmq_admin.make_vhost(_NAME)
    folder = tmp_path_factory.mktemp(_NAME)
    with whole_system(folder, postgres.url(_NAME), rabbitmq.url(_NAME), rabbitmq_admin, _NAME) as system:
        yield system
    rabbitmq_admin.drop_vhost(_NAME)
    postgres.drop_database(_NAME)


@pytest.fixture
def system(running_system: WholeSystem) -> WholeSystem:
    """The system, with nothing wrong."""
    running_system.be_well()
    return running_system


@pytest.fixture
def stranger(browser: Browser, system: WholeSystem, tmp_path: Path) -> Iterator[Stranger]:
    """Before the status page, on which nothing is wrong yet."""
    kept = os.environ.get("RELAIS_PICTURES")
    context = browser.new_context(viewport=SIZE, color_scheme="light", reduced_motion="reduce")
    context.set_default_timeout(30_000)
    stranger = Stranger(context.new_page(), [tmp_path, *([Path(kept)] if kept else [])], tmp_path)
    stranger.arrive(system.monitor_url)
    expect(stranger.troubles).to_have_count(0)
    yield stranger
    context.close()


def _type(system: WholeSystem, command: str) -> None:
    """Type a command as it was shown."""
    program, *words = shlex.split(command)
    assert program == "relais"
    system.relais(*words).check()


def _find(system: WholeSystem, code: str) -> dict[str, Any]:
    """What `relais queue diagnose` says, which docs/situations.md must say too, but for the figures."""
    found = system.await_finding(code)
    documented = _without_times(_DOCS.read_text())
    assert _without_times(found["title"]) in documented
    assert _without_times(found["recommendation"]) in documented
    return found


def _without_times(words: str) -> str:
    return re.sub(r"\d+ (s|min|h)\b", "a while", " ".join(words.split()))


def test_no_worker(system: WholeSystem, stranger: Stranger) -> None:
    """The page, and the command line, name the process to start; once it runs, the page recovers by itself."""
    system.stop("relais_worker")
    messages = system.post()
    says = stranger.reads("No workers", "3 jobs wait, the oldest for", "Start a worker: python -m relais_worker.")
    stranger.picture_of_broken("no-worker")
    system.start_what_is_named(says)
    system.await_answers(messages)
    stranger.sees_it_mended("no-worker")

    system.stop("relais_worker")
    messages = system.post()
    found = _find(system, "no_worker")
    assert (found["severity"], found["count"]) == ("critical", 3)
    explained = system.explain(messages[0])
    assert explained["cause"] == "no_worker"
    assert explained["next_step"] == found["recommendation"]
    system.start_what_is_named(found["recommendation"])
    system.await_answers(messages)


def test_the_model_server_is_down(system: WholeSystem, stranger: Stranger) -> None:
    """Workers wait, and the page names the part and its setting; once it is back, everything is answered."""
    for by in ("page", "command line"):
        system.models.kill()
        messages = system.post()
        stranger.reads(
            "The model server (Ollama) is down",
            "2 of 2 workers can't reach the model server (Ollama) and take nothing. 3 jobs wait meanwhile",
            "Start it, or correct RELAIS_OLLAMA_URL of the workers; the work goes on by itself.",
        )
        if by == "page":
            stranger.picture_of_broken("model-server-down")
        else:
            assert _find(system, "part_down")["severity"] == "critical"
            explained = system.explain(messages[0])
            assert explained["cause"] == "part_down"
            assert "start it, or correct RELAIS_OLLAMA_URL" in explained["next_step"]
        system.models.start()
        system.await_answers(messages)
        stranger.sees_it_mended("model-server-down")


def test_a_message_that_kills_its_workers(system: WholeSystem, stranger: Stranger) -> None:
    """Two lost three workers each and failed. Once the cause is gone one is retried by command, one from the page."""
    system.stop("relais_worker", leave=1)
    with system.faults() as faults:
        faults.inject(first_token_delay_s=300.0)
        messages = system.post(2)
        for attempt in (1, 2, 3):
            system.kill_holders(attempt)
            system.start("relais_worker")
        stranger.reads(
            "2 jobs failed because their workers died",
            "The process that worked on them died at every attempt",
            "Once the cause is gone, retry: a few first, then the rest.",
        )
        stranger.picture_of_broken("poison-message")
        assert system.states(messages) == {"failed"}
        faults.end()

    found = _find(system, "poison")
    assert found["count"] == 2
    assert {one["workers_lost"] for one in found["evidence"]} == {3}
    [by_command] = [one for one in messages if found["command"] == f"relais queue retry {ref_of(one)}"]
    assert "worker_lost" in system.explain(by_command)["summary"]
    assert "1 job" in system.relais(*shlex.split(found["command"])[1:]).check().out
    _type(system, f"{found['command']} --execute")
    system.await_answers([by_command])

    stranger.reads("1 job failed because its workers died")
    life = stranger.follows_in_a_new_tab(stranger.troubles.first.get_by_role("link"))
    lost = life.get_by_role("region", name="Its life").get_by_role("listitem").filter(has_text="Worker")
    expect(lost).to_have_count(3)
    expect(lost.last).to_contain_text("worker_lost")
    life.close()
    stranger.sign_in()
    dialog = stranger.clicks("Retry")
    dialog.get_by_role("button", name="Retry 1 job").click()
    expect(dialog).to_contain_text("1 job put back.")
    dialog.get_by_role("button", name="Done").click()
    system.await_answers(messages)
    stranger.sees_it_mended("poison-message")


def test_a_paused_queue(system: WholeSystem, stranger: Stranger) -> None:
    """Both say since when nothing is taken; it is resumed where that is said."""
    for by in ("page", "command line"):
        system.relais("queue", "pause", "ai-messages", "--execute").check()
        messages = system.post()
        if by == "page":
            stranger.reads("The queue ai-messages is paused", "no worker takes a job of it. 3 jobs wait.", "Resume it")
            stranger.picture_of_broken("paused-queue")
            stranger.sign_in()
            stranger.clicks("Resume").get_by_role("button", name="Resume").click()
        else:
            found = _find(system, "queue_paused")
            assert (found["severity"], found["command"]) == ("warning", "relais queue resume ai-messages")
            assert system.explain(messages[0])["cause"] == "queue_paused"
            shown = stranger.reads("The queue ai-messages is paused")
            assert f"{found['command']} --execute" in shown
            _type(system, f"{found['command']} --execute")
        system.await_answers(messages)
        stranger.sees_it_mended("paused-queue")


def test_a_wiped_broker(system: WholeSystem, stranger: Stranger) -> None:
    """RabbitMQ lost its queues while the sweeper was away: workers are free, and nobody wakes them."""
    for by in ("page", "command line"):
        system.stop("relais_worker.sweeper")
        system.stop("relais_worker")
        messages = system.post()
        system.wipe_broker(holding=len(messages))
        system.start("relais_worker")
        system.let_a_minute_pass()
        says = stranger.reads(
            "Nobody wakes the workers: the sweeper doesn't run",
            re.compile(r"3 jobs wait, the oldest for \d+ s, although workers have 4 free slots"),
            re.compile(r"The sweeper, which announces again what RabbitMQ lost, last ran"),
            "Start the sweeper: python -m relais_worker.sweeper.",
        )
        if by == "page":
            stranger.picture_of_broken("wiped-broker")
            stranger.sign_in()
            dialog = stranger.clicks("Wake the workers")
            expect(dialog).to_contain_text("Workers will be woken for 3 jobs.")
            dialog.get_by_role("button", name="Wake", exact=True).click()
        else:
            assert _find(system, "sweeper_silent")["severity"] == "critical"
            assert {system.explain(message)["cause"] for message in messages} == {"not_announced"}
            assert "publish 3 tokens" in system.relais("queue", "reconcile", "ai-messages").check().out
            _type(system, "relais queue reconcile --execute")
        system.await_answers(messages)
        system.start_what_is_named(says)
        stranger.sees_it_mended("wiped-broker")
