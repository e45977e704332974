"""What `relais queue` says of a bulk action."""

import io
from typing import Any

from rich.console import Console

from relais_cli.views.changes import preview_view, result_view


def _shown(view: Any) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(view)
    return out.getvalue()


def _result(**told: Any) -> dict[str, Any]:
    nothing = {"action": "unlock", "matching": 0, "changed": 0, "job_ids": [], "skipped": [], "skipped_count": 0}
    return nothing | {"left": 0} | told


def _skipped(count: int) -> list[dict[str, str]]:
    return [{"ref": f"{number:012x}", "reason": "working", "detail": "Its worker is well."} for number in range(count)]


def test_more_skipped_jobs_than_the_api_lists_are_counted_and_not_left() -> None:
    """Running it again would do nothing, so that nobody is told to."""
    shown = _shown(result_view(_result(matching=150, skipped=_skipped(100), skipped_count=150)))
    assert shown.startswith("Unlocked 0 jobs.\n")
    assert "run it again" not in shown
    assert shown.endswith("and 140 more\n")


def test_what_the_limit_left_is_for_another_time() -> None:
    """Its number is the API's."""
    shown = _shown(result_view(_result(matching=7, changed=5, left=2)))
    assert shown == "Unlocked 5 jobs; 2 more match, run it again.\n"


def test_a_preview_that_finds_nothing_says_why_a_named_job_stays() -> None:
    """One that doesn't match is not silently left out."""
    unknown = [{"ref": "0123456789ab", "reason": "unknown", "detail": "No job has this id or ref."}]
    shown = _shown(preview_view(_result(skipped=unknown, skipped_count=1), []))
    assert shown.startswith("Nothing to unlock: no job matches.\n\nLeft as it is:\n")
    assert "0123456789ab  No job has this id or ref." in shown
