"""Reads `Prefer: wait=N` (RFC 7240)."""

from collections.abc import Iterable

LONGEST_WAIT_S = 60


def preferred_wait_s(headers: Iterable[str]) -> int | None:
    """Seconds the client wants to wait, at most `LONGEST_WAIT_S`; None without a preference that can be understood.

    Args:
        headers: the values of all `Prefer` headers; of several `wait` the first counts (RFC 7240, section 2).
    """
    for header in headers:
        for preference in header.split(","):
            name, _, value = preference.partition(";")[0].partition("=")
            if name.strip().lower() == "wait":
                return _seconds(value.strip().strip('"'))
    return None


def _seconds(value: str) -> int | None:
    # A preference that can't be understood is ignored, not refused. isdigit alone would let "²" through.
    return min(int(value[:10]), LONGEST_WAIT_S) if value.isascii() and value.isdigit() else None
