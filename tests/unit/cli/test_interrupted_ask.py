"""Ctrl-C while `relais ask` shows something."""

from typing import Any

import pytest

from relais_cli.answer_view import QuietView
from relais_cli.asking import Question
from relais_cli.commands import ask


class _InterruptedView(QuietView):
    def on_accepted(self, receipt: dict[str, Any]) -> None:
        raise KeyboardInterrupt


class _Client:
    def __init__(self) -> None:
        self.posted: list[str] = []

    def post(self, path: str) -> dict[str, Any]:
        self.posted.append(path)
        return {"status": "cancelled"}


def test_a_question_is_cancelled_from_the_moment_it_is_known_to_be_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the first place in the queue is printed leaves no work behind either."""
    client = _Client()
    monkeypatch.setattr(ask, "post_question", lambda *_: {"message_id": "m1"})
    final = ask._ask(client, "token", Question("Why?", None), _InterruptedView(), 10)  # type: ignore[arg-type]
    assert final == {"status": "cancelled"}
    assert client.posted == ["/api/messages/m1/cancel"]
