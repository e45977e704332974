"""What the page says of alerts that nobody can judge: not that all is quiet."""

import json
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from support.monitor_page import UNKNOWN

pytestmark = pytest.mark.browser


def alert(rule: str, state: str, watched_by: str = "monitor") -> dict[str, object]:
    """An alert as /api/alerts tells it."""
    return {
        "rule": rule, "severity": "warning", "state": state, "labels": {}, "summary": f"About {rule}",
        "description": "", "evidence": None, "value": None, "for_s": 60, "since": None, "fired_at": None,
        "resolved_at": None, "silenced_until": None, "silenced_by": None, "inhibited": False,
        "watched_by": watched_by, "runbook": "docs/runbook.md",
    }  # fmt: skip


JUDGED = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Case:
    """What `/api/alerts` says, and the words for it."""

    looked_at: str | None
    states: list[str]
    figure: str
    note: str
    summary: str
    words: str


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            Case(None, ["unknown", "unknown"], UNKNOWN, "not judged yet", "not judged yet", "Not judged yet."),
            id="not-yet",
        ),
        pytest.param(
            Case(
                JUDGED, ["inactive", "unknown"], "0", "1 can't be judged now",
                "2 rules watched, 1 can't be judged now", "No alert fires, but 1 can't be judged now.",
            ),
            id="in-part",
        ),
        pytest.param(
            Case(
                JUDGED, ["firing", "unknown"], "1", "firing, 1 can't be judged now",
                "2 rules watched, 1 can't be judged now", "About Rule0",
            ),
            id="firing",
        ),
        pytest.param(
            Case(JUDGED, ["inactive", "inactive"], "0", "all quiet", "2 rules watched", "All quiet: no alert fires."),
            id="quiet",
        ),
    ],
)  # fmt: skip
def test_unknown_is_not_quiet(open_page, context, panel, case):
    """Tile, heading and list say what can't be judged; what Prometheus alone watches isn't counted."""
    alerts = [alert(f"Rule{number}", state) for number, state in enumerate(case.states)]
    told = {"looked_at": case.looked_at, "alerts": [*alerts, alert("Elsewhere", "unknown", "prometheus")]}
    context.route("**/api/alerts", lambda route: route.fulfill(body=json.dumps(told)))
    page = open_page()
    expect(page.locator("#tile-alerts .figure")).to_have_text(case.figure)
    expect(page.locator("#tile-alerts .note")).to_have_text(case.note)
    expect(page.locator("#alerts-summary")).to_have_text(case.summary)
    expect(panel(page, "Alerts")).to_contain_text(case.words)
