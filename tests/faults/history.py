"""The append-only log of what clients asked and were told: invoke, then ok, fail or unknown."""

import itertools
import json
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

Kind = Literal["invoke", "ok", "fail", "unknown"]
# What a message must end with, as (state, error_code), when it isn't an answer.
Expectation = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line; `call` joins an invocation with its outcome.

    A call that timed out, broke off or met a 5xx is `unknown`: it may have had its effect, or may have it yet.
    """

    call: int
    at: float
    client: str
    op: str
    kind: Kind
    values: dict[str, Any] = field(default_factory=dict)


def new_mark() -> str:
    """What the texts of a trial begin with, and of no other."""
    return uuid4().hex[:12]


class History:
    """Entries of the trial that runs, also appended to a file; safe for threads."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)
        self._lock = threading.Lock()
        self._calls = itertools.count(1)
        self._entries: list[Entry] = []
        self.trial = "0"

    def begin(self, trial: str) -> None:
        """Forget the entries of the trial before; every text of this one begins with `[` and `trial`, a single word."""
        with self._lock:
            self._entries = []
            self.trial = trial

    def tag(self) -> str:
        """Begin a text: one word, of no other text, so that it leaves a question what it asks."""
        return f"[{self.trial}{uuid4().hex[:12]}]"

    def invoke(self, client: str, op: str, **values: Any) -> int:
        """Log a call before it is made; return its number."""
        call = next(self._calls)
        self._append(Entry(call, time.time(), client, op, "invoke", values))
        return call

    def end(self, call: int, client: str, op: str, kind: Kind, **values: Any) -> None:
        """Log what came of a call."""
        self._append(Entry(call, time.time(), client, op, kind, values))

    def entries(self) -> list[Entry]:
        with self._lock:
            return list(self._entries)

    def close(self) -> None:
        self._file.close()

    def _append(self, entry: Entry) -> None:
        with self._lock:
            self._entries.append(entry)
            if not self._file.closed:
                self._file.write(json.dumps(asdict(entry), default=str) + "\n")
