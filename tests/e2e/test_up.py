"""`relais up` and `relais ask`, as a person on a fresh machine uses them."""

from collections.abc import Iterator

import httpx
import pytest

from relais_cli.parts.ports import accepts_connections
from support.up import Ended, RelaisUp, relais_home
from support.waiting import wait_until

pytestmark = pytest.mark.timeout(300)
QUESTION = "How does Relais recover when a worker dies?"


@pytest.fixture
def home() -> Iterator[RelaisUp]:
    with relais_home() as home:
        yield home


def _documents(answer: Ended) -> list[str]:
    return [citation["document"] for citation in answer.json["citations"]]


def _port(url: str) -> int:
    return int(url.rsplit(":", 1)[1])


def test_the_quickstart_from_the_first_start_to_the_second(home: RelaisUp) -> None:
    """Ready within a minute, a grounded answer from the right document, a clean end, and all data at the next start."""
    ready = home.start()
    answer = home.run("ask", QUESTION, "--json").check()
    assert answer.json["grounded"]
    assert "life-of-a-message.md" in _documents(answer)
    shown = home.call("ask", "What is a lease?").check()
    assert "Sources" in shown.out
    assert all(len(line) <= 80 for line in shown.out.splitlines())

    refused = home.run("up")
    assert refused.status == 1
    assert refused.err.startswith(f"relais: relais already runs on {home.home} (process {home.popen.pid})")
    assert len(refused.err.splitlines()) == 1

    assert home.stop() == 0
    assert home.left_behind == []
    assert not any(accepts_connections("127.0.0.1", _port(ready[key])) for key in ("api_url", "monitor_url"))
    away = home.call("ask", QUESTION)
    assert (away.status, away.err.count("\n")) == (1, 1)
    assert "start one with `relais up`" in away.err

    again = home.start()
    assert again["chat_url"].rsplit("/", 1)[1] == ready["chat_url"].rsplit("/", 1)[1], "the agent's token is stable"
    assert any(event.get("note", "").endswith("0 new or changed") for event in home.events)
    follow_up = home.call("ask", "And when RabbitMQ is down?", "--session", answer.json["session_id"], "--json").check()
    assert follow_up.json["session_id"] == answer.json["session_id"]
    assert home.stop() == 0


def test_the_status_page_acts_through_the_api_of_the_same_run() -> None:
    """Whatever ports were free, what an operator does on the monitor's page reaches the API beside it."""
    key = "an-operators-key-0123456789"
    with relais_home(RELAIS_ADMIN_KEY=key) as home:
        ready = home.start("--no-demo")
        address = f"{ready['monitor_url']}/operate/api/key"
        reply = httpx.get(address, headers={"Authorization": f"Bearer {key}"}, timeout=20)
        assert (reply.status_code, reply.json()) == (200, {"name": "RELAIS_ADMIN_KEY", "scope": "admin"})
        assert home.stop() == 0


def test_a_message_accepted_before_a_kill_is_answered_after_the_next_start(model_server, model_faults) -> None:
    """SIGKILL of the whole process in the middle of an answer loses nothing; the next start goes on at once."""
    with relais_home(RELAIS_OLLAMA_URL=model_server.url) as home:
        ready = home.start("--no-demo")
        token = home.make_agent("any")
        model_faults.inject(first_token_delay_s=600, endpoints=["chat"])
        message_id = home.post(token, "Are you still there?")
        wait_until(lambda: model_faults.activity()["chat"]["running"] == 1, 20, "the model works on the answer")
        home.kill()
        wait_until(lambda: not home.left_behind, 30, "no child outlives its starter")

        model_faults.end()
        again = home.start("--no-demo")
        assert again["process"] != ready["process"]
        wait_until(lambda: home.status(message_id)["status"] == "completed", 15, "the message is answered")
        assert home.status(message_id)["attempt"] == 2
        assert home.stop() == 0


def test_the_first_ctrl_c_waits_for_a_running_answer_and_the_second_does_not(model_server, model_faults) -> None:
    """Whoever is in a hurry presses Ctrl-C again: everything ends at once, in order, without a traceback."""
    with relais_home(RELAIS_OLLAMA_URL=model_server.url) as home:
        home.start("--no-demo")
        token = home.make_agent("any")
        model_faults.inject(first_token_delay_s=600, endpoints=["chat"])
        home.post(token, "Take your time.")
        wait_until(lambda: model_faults.activity()["chat"]["running"] == 1, 20, "the model works on the answer")
        home.interrupt()
        wait_until(lambda: "stopping" in home.event_names, 10, "it says that it stops")
        assert not home.has_ended
        home.interrupt()
        assert home.wait() == 0
        assert home.left_behind == []
        assert "Traceback" not in home.told


def test_ctrl_c_while_it_starts_ends_it(home: RelaisUp) -> None:
    """Whoever changes their mind during the start waits for nothing and leaves nothing behind."""
    home.launch("--no-demo")
    wait_until(lambda: "step" in home.event_names, 30, "PostgreSQL is there")
    home.note_family()
    home.interrupt()
    assert home.wait() == 0
    assert home.left_behind == []
    assert "Traceback" not in home.told
