"""What the page may reach through the monitor: a short list, and no spelling of a path leads beyond it."""

import pytest

from relais_monitor.operate.allowed import allowed_path

JOB = "0123456789ab"
WHOLE = "01234567-89ab-4def-8123-456789abcdef"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/key"),
        ("GET", "/api/jobs"),
        ("GET", f"/api/jobs/{JOB}"),
        ("GET", f"/api/jobs/{WHOLE}"),
        ("GET", "/api/audit"),
        ("GET", "/api/diagnosis"),
        ("GET", "/api/silences"),
        ("POST", "/api/jobs/retry"),
        ("POST", "/api/jobs/clean"),
        ("POST", "/api/queues/ai-messages/pause"),
        ("POST", "/api/queues/documents/reconcile"),
        ("POST", "/api/agents/help-desk/resume"),
        ("POST", "/api/silences"),
        ("DELETE", "/api/silences/17"),
    ],
)
def test_the_page_s_actions_pass(method, path):
    """Every action of the page is on the list, and goes to the same path of the API."""
    assert allowed_path(method, f"/operate{path}".encode()) == path


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/agents"),
        ("POST", "/api/agents"),
        ("PATCH", "/api/agents/help-desk"),
        ("DELETE", "/api/agents/help-desk"),
        ("DELETE", "/api/jobs/retry"),
        ("GET", "/api/jobs/retry"),
        ("POST", "/api/jobs"),
        ("POST", "/c/token/message"),
        ("GET", f"/api/messages/{WHOLE}/status"),
        ("GET", "/healthz"),
        ("GET", ""),
        ("GET", "/"),
        ("HEAD", "/api/jobs"),
        ("OPTIONS", "/api/jobs"),
    ],
)
def test_nothing_else_passes(method, path):
    """What isn't an action of the page isn't reached, be it harmless or not."""
    assert allowed_path(method, f"/operate{path}".encode()) is None


@pytest.mark.parametrize(
    "path",
    [
        "/operate/api/jobs/../agents",
        "/operate/api/jobs/%2e%2e/agents",
        "/operate/api/jobs/..%2fagents",
        "/operate/api/jobs/retry/../../agents",
        "/operate/api/queues/ai-messages%2fpause/pause",
        "/operate/api/agents/a%2f..%2f..%2fkeys/pause",
        "/operate/api/agents/../pause",
        "/operate/api/agents//pause",
        "/operate//api/jobs",
        "/operate/api//jobs",
        "/operate/api/jobs/",
        "/operate/api/jobs;x=1",
        "/operate/api/jobs\\..\\agents",
        "/operate/api/jobs%00",
        "/operate/api/jobs%0d%0aHost:%20evil",
        "/operate/api/jobs\n",
        "/operate/API/jobs",
        "/operate/operate/api/jobs",
        "/operate@evil.example/api/jobs",
        "/operate/http://evil.example/api/jobs",
        "/operate/api/jobs#",
        "/operate/api/jobs/0123456789AB",
        "/operate/api/jobs/0123456789\uff41b",
    ],
    ids=range(23),
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_no_spelling_of_a_path_leads_elsewhere(method, path):
    """Dots, slashes, percent signs, other hosts and other letters are no way around the list."""
    assert allowed_path(method, path.encode()) is None
