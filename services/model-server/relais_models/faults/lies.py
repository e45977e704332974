"""Content that can't be true, in a reply of the right form."""

from dataclasses import replace

from relais_models.contract import Embedded, Finish, Piece
from relais_models.faults.plan import Lie

_UNPRINTABLE = "\x00\ud800"
_OVERSIZED_CHARACTERS = 2_000_000
_NEARLY_INFINITE = 1.7e308


def told(lie: Lie | None, item: Piece | Finish) -> Piece | Finish:
    """What becomes of one item of a reply; the item itself when the lie doesn't concern it."""
    match item:
        case Piece():
            return _piece(lie, item)
        case Embedded():
            return replace(item, vectors=_vectors(lie, item.vectors))
        case _:
            return _finish(lie, item)


def _piece(lie: Lie | None, piece: Piece) -> Piece:
    match lie:
        case "empty":
            return Piece("")
        case "oversized":
            return Piece(piece.text + "x" * _OVERSIZED_CHARACTERS)
        case "unprintable":
            return Piece(piece.text + _UNPRINTABLE)
        case _:
            return piece


def _finish(lie: Lie | None, finish: Finish) -> Finish:
    match lie:
        case "unprintable":
            return replace(finish, reason=_UNPRINTABLE)
        case "wrong_counts":
            return replace(finish, prompt_tokens=-1, completion_tokens=10**30)
        case _:
            return finish


def _vectors(lie: Lie | None, vectors: list[list[float]]) -> list[list[float]]:
    match lie:
        case "empty":
            return []
        case "wrong_size":
            return [[*vector, 0.0] for vector in vectors]
        case "oversized":
            return [[_NEARLY_INFINITE for _ in vector] for vector in vectors]
        case "not_a_number":
            return [[float("nan") for _ in vector] for vector in vectors]
        case _:
            return vectors
