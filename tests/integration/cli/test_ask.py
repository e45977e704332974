"""`relais ask` against a running Relais."""

import os
import signal

import pytest

from support.up import Ended, RelaisUp
from support.waiting import wait_until


def test_an_answer_comes_with_its_sources(relais: RelaisUp) -> None:
    """The answer goes to stdout with the documents it cites; progress goes to stderr."""

    def asked_alone() -> Ended | None:
        # Positions come from a snapshot of up to 300 ms ago, in which another test's question may still wait.
        done = relais.call("ask", "How long can I get a refund?", "--agent", "shop").check()
        return done if "Position 1" in done.err else None

    done = wait_until(asked_alone, 30, "a lone question is the first in the queue")
    assert "14 days" in done.out
    assert "[1] refunds.md" in done.out


def test_the_public_token_is_enough(relais: RelaisUp) -> None:
    """Whoever has an agent's token needs no operator's key."""
    token = relais.call("agents", "show", "shop", "--json").check().json["token"]
    done = relais.call(
        "ask", "Refunds?", "--token", token, "--json", RELAIS_HOME="/nonexistent", RELAIS_API_URL=relais.url
    )
    assert done.check().json["status"] == "completed"


def test_an_ungrounded_answer_says_so(relais: RelaisUp) -> None:
    """The agent's fallback text is marked as not grounded."""
    done = relais.call("ask", "Who won the chess tournament?", "--agent", "shop").check()
    assert "(Not grounded in any document.)" in done.out


def test_ctrl_c_cancels_the_question(relais: RelaisUp, model_faults) -> None:
    """Whoever gives up waiting doesn't leave work behind."""
    model_faults.inject(first_token_delay_s=600, endpoints=["chat"])
    asking = relais.begin("ask", "How long can I get a refund?", "--agent", "shop")
    receipt = asking.stderr.readline()  # before it says a word, there is nothing that it could cancel
    wait_until(lambda: model_faults.activity()["chat"]["running"] >= 1, 20, "the model works on it")
    os.killpg(asking.pid, signal.SIGINT)
    _, rest = asking.communicate(timeout=20)
    err = receipt + rest
    assert asking.returncode == 1, err
    assert "relais: cancelled: " in err
    assert "Traceback" not in err


def test_no_answer_in_time_says_where_to_look(relais: RelaisUp, model_faults) -> None:
    """The timeout ends the waiting, not the message."""
    model_faults.inject(first_token_delay_s=600, endpoints=["chat"])
    done = relais.call("ask", "How long can I get a refund?", "--agent", "shop", "--timeout", "1")
    assert done.status == 1
    first, second = done.err.strip().splitlines()[-2:]
    assert first.startswith("relais: no answer in time")
    relais.call("queue", "cancel", second.split("/")[-2], "--execute").check()


def test_a_failed_question_tells_why_and_how_to_retry(relais: RelaisUp) -> None:
    """The error, its code, and the command that tries again, which works."""
    relais.call("agents", "update", "shop", "--chat-model", "absent").check()
    done = relais.call("ask", "How long can I get a refund?", "--agent", "shop")
    relais.call("agents", "update", "shop", "--chat-model", "extractive").check()
    assert done.status == 1
    assert "absent" in done.err
    assert "(model_missing)" in done.err
    command = done.err.strip().splitlines()[-1].split("relais ", 1)[1].split()
    assert relais.call(*command).check().out == "Retried 1 job.\n"
    message_id = command[2]
    wait_until(lambda: relais.status(message_id)["status"] == "completed", 30, "answered after the retry")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--agent", "nobody"), "No agent has this slug"),
        (("--token", "nope"), "No agent has this token"),
        (("--agent", "shop", "--session", "d43dc52e-2c6e-4cf5-b173-c1c5ee1c2a5b"), "names no session of this agent"),
    ],
)
def test_a_refusal_is_one_line(relais: RelaisUp, options: tuple[str, ...], reason: str) -> None:
    """What the API says about the request is printed as it is, with status 1."""
    done = relais.call("ask", "Hello?", *options)
    assert done.status == 1
    assert reason in done.err
    assert len(done.err.splitlines()) == 1


def test_a_wrong_key_is_told(relais: RelaisUp) -> None:
    """The key is refused in one line that says what to do."""
    done = relais.call("ask", "Hello?", RELAIS_ADMIN_KEY="a-wrong-key-0123456789")
    assert done.status == 1
    assert "The key is unknown or was revoked" in done.err
