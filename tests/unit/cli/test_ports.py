"""Ports that a process chooses for its servers."""

import pytest

from relais_cli.parts import ports


def test_a_port_is_chosen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server takes its port seconds after it was chosen; until then nobody else in the process gets the same."""
    numbers = iter([7, 7, 7, 8])
    monkeypatch.setattr(ports, "_given", set())
    monkeypatch.setattr(ports, "_is_free", lambda _host, _port: True)
    monkeypatch.setattr(ports.secrets, "randbelow", lambda _limit: next(numbers))
    assert [ports.free_port() - ports.FIRST for _ in range(2)] == [7, 8]
