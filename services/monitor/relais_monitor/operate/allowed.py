"""Which of the API's addresses the page may reach through the monitor."""

import re
from typing import Final

_NAME: Final = "[a-z0-9][a-z0-9-]{0,99}"  # what queues and agents are called; no dot, no slash, no percent sign
_JOB: Final = "[0-9a-f]{12}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

_ALLOWED: Final = {
    "GET": (
        "/api/key",
        "/api/jobs",
        f"/api/jobs/(?:{_JOB})",
        "/api/audit",
        "/api/diagnosis",
        "/api/silences",
    ),
    "POST": (
        "/api/jobs/(?:retry|cancel|unlock|clean)",
        "/api/queues/(?:ai-messages|documents)/(?:pause|resume|reconcile)",
        f"/api/agents/{_NAME}/(?:pause|resume)",
        "/api/silences",
    ),
    "DELETE": ("/api/silences/[0-9]{1,18}",),
}
_PATTERNS: Final = {method: re.compile("|".join(f"(?:{path})" for path in paths)) for method, paths in _ALLOWED.items()}


def allowed_path(method: str, raw_path: bytes) -> str | None:
    """The API's path for a request as it came over the wire; None for everything that isn't on the list.

    The undecoded bytes are compared: no spelling of a path (`%2e`, `//`, `..`, `;`) can mean something else further on.
    """
    pattern = _PATTERNS.get(method)
    path = raw_path.partition(b"?")[0].decode("ascii", "replace").removeprefix("/operate")
    return path if pattern is not None and pattern.fullmatch(path) else None
