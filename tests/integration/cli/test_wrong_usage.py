"""What the commands say when they can't do what they were asked."""

import socket
from collections.abc import Iterator

import pytest

from support.up import RelaisUp, relais_home


@pytest.fixture(scope="module")
def nobody() -> Iterator[RelaisUp]:
    """A home on which nothing runs."""
    with relais_home() as home:
        yield home


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("frobnicate",), "No such command 'frobnicate'"),
        (("ask",), "Missing argument 'QUESTION'"),
        (("ask", "  "), "is empty; write a question in quotes"),
        (("ask", "Hello?", "--session", "12"), "'--session'"),
        (("ask", "Hello?", "--timeout", "0"), "'--timeout'"),
        (("ingest", "x.md"), "Missing option '--agent'"),
        (("agents", "create", "x"), "Missing option '--chat-model'"),
        (("agents", "update", "x"), "nothing to change"),
        (("agents", "update", "x", "--set", "top_k"), "'top_k' is not FIELD=VALUE"),
        (("queue", "cancel"), "say which"),
        (("queue", "retry", "xyz"), "Invalid value for 'ID': 'xyz' is neither an id nor a ref"),
        (("queue", "explain", "0123456789a"), "'ID'"),
        (("queue", "retry", "--session", "mine"), "'--session'"),
        (("queue", "retry", "--limit", "0"), "'--limit'"),
        (("queue", "unlock", "--force"), "say which"),
        (("queue", "clean"), "say which: an id, --older-than or --keep"),
        (("queue", "clean", "--keep", "-1"), "'--keep'"),
        (("queue", "pause"), "say which: a queue, or an agent"),
        (("queue", "resume", "documents", "--agent", "shop"), "say which: a queue, or an agent"),
        (("queue", "pause", "letters"), "the queues are ai-messages, documents"),
        (("queue", "reconcile", "letters"), "the queues are ai-messages, documents"),
        (("queue", "status", "--watch", "--interval", "0"), "'--interval'"),
        (("queue", "failed", "--kind", "dance"), "'--kind'"),
        (("keys", "add", "x", "--scope", "all"), "'--scope'"),
        (("up", "--workers", "0"), "'--workers'"),
        (("up", "--port", "70000"), "'--port'"),
        (("up", "--llm", "/nonexistent.gguf"), "'--llm'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_named(nobody: RelaisUp, arguments: tuple[str, ...], hint: str) -> None:
    """The message names the argument or option; the status is 2."""
    done = nobody.call(*arguments)
    assert done.status == 2
    assert hint in " ".join(done.err.split())


@pytest.mark.parametrize(
    ("variable", "value", "command"),
    [
        ("RELAIS_API_PORT", "many", ("up",)),
        ("RELAIS_LEASE_S", "0", ("up", "--no-demo")),
        ("RELAIS_DRAIN_TIMEOUT_S", "-1", ("up", "--rabbitmq")),
        ("RELAIS_ADMIN_KEY", "short", ("up",)),
        ("RELAIS_API_URL", "localhost:8000", ("ask", "Hello?")),
    ],
)
def test_a_wrong_setting_is_named_before_anything_starts(
    nobody: RelaisUp, variable: str, value: str, command: tuple[str, ...]
) -> None:
    """One line names the variable; the status is 2."""
    done = nobody.call(*command, **{variable: value})
    assert done.status == 2, done.err
    assert f"relais: {variable}: " in done.err
    assert not (nobody.home / "postgres" / "data").exists()


@pytest.mark.parametrize("variable", ["RELAIS_API_PORT", "RELAIS_MONITOR_PORT"])
def test_a_port_in_use_names_its_setting(nobody: RelaisUp, variable: str) -> None:
    """Nothing starts; the line says how to choose another port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = nobody.call("up", **{variable: port})
    assert done.status == 1
    assert f"port {port} is in use" in done.err
    assert variable in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    "command",
    [("ask", "Hello?", "--token", "x"), ("queue", "status"), ("queue", "status", "--watch")],
    ids=" ".join,
)
def test_nobody_there_says_what_to_do(nobody: RelaisUp, command: tuple[str, ...]) -> None:
    """A refused connection is one line with the way out."""
    done = nobody.call(*command, RELAIS_API_PORT="1", RELAIS_MONITOR_PORT="1")
    assert done.status == 1
    assert "start one with `relais up`" in done.err
    assert len(done.err.splitlines()) == 1


def test_without_a_key_the_commands_say_where_it_comes_from(nobody: RelaisUp, tmp_path) -> None:
    """The line names the variable, and the file that `relais up` writes."""
    done = nobody.call("agents", "list", RELAIS_HOME=str(tmp_path))
    assert done.status == 1
    assert "RELAIS_ADMIN_KEY" in done.err


def test_a_database_that_is_away_is_one_line(nobody: RelaisUp) -> None:
    """The line names the variable to check."""
    away = "postgresql://nobody@127.0.0.1:1/none"
    for command in (("migrate",), ("keys", "list"), ("up", "--no-demo")):
        done = nobody.run(*command, RELAIS_DATABASE_URL=away, RELAIS_API_PORT="0")
        assert done.status == 1, done.err
        assert "check RELAIS_DATABASE_URL" in done.err


def test_a_database_without_a_schema_says_how_to_get_it(nobody: RelaisUp, empty_database_url: str) -> None:
    """`relais migrate` is named, and is the remedy."""
    before = nobody.call("keys", "list", RELAIS_DATABASE_URL=empty_database_url)
    assert (before.status, "run `relais migrate`" in before.err) == (1, True)
    nobody.call("migrate", RELAIS_DATABASE_URL=empty_database_url).check()
    nobody.call("keys", "list", RELAIS_DATABASE_URL=empty_database_url).check()
