"""Where a message is, in words."""

import pytest

from relais_cli.status_words import describe, describe_place

STATUS = {
    "status": "queued",
    "attempt": 0,
    "next_attempt_at": None,
    "error_code": None,
    "waiting_for": None,
    "queue_position": None,
    "eta_seconds": None,
}


@pytest.mark.parametrize(
    ("position", "eta_s", "words"),
    [
        (None, None, "Accepted"),
        (1, 0.2, "Position 1, next in the queue"),
        (2, 12.4, "Position 2, 1 message ahead in the queue, about 12 s"),
        (301, 1_800.0, "Position 301, 300 messages ahead in the queue, about 30 min"),
        (5, None, "Position 5, 4 messages ahead in the queue"),
    ],
)
def test_a_place_in_the_queue(position: int | None, eta_s: float | None, words: str) -> None:
    """The number, what it means, and how long it takes when that is known."""
    assert describe_place(position, eta_s) == words


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"status": "processing", "attempt": 1}, "Being answered"),
        ({"status": "processing", "attempt": 3}, "Being answered, attempt 3"),
        (
            {"attempt": 1, "error_code": "ollama_unreachable", "next_attempt_at": "2026-01-01T00:00:00Z"},
            "Attempt 1 failed (ollama_unreachable); waiting for the next",
        ),
        (
            {"waiting_for": ["ollama"], "queue_position": 3},
            "Waiting: the model server (Ollama) is down; the answer comes once Relais can reach it",
        ),
        (
            {"waiting_for": ["qdrant"], "queue_position": 1},
            "Waiting: the search index (Qdrant) is down; the answer comes once Relais can reach it",
        ),
    ],
)
def test_a_message_that_is_worked_on(status: dict, words: str) -> None:
    """Attempts after the first are told of, and why there are more."""
    assert describe(STATUS | status) == words
