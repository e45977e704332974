"""What a trial yields: one JSON line."""

import json
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken invariant, with the evidence: job ids, rows of the ledger, calls of clients."""

    invariant: str
    what: str
    evidence: Any = None


@dataclass(slots=True)
class TrialResult:
    """One trial of one fault; `error` is a failure of the suite itself, which proves nothing either way."""

    fault: str
    seed: int
    accepted: int = 0
    lost: int = 0
    duplicated: int = 0
    recovered_s: float | None = None
    took_s: float = 0.0
    violations: list[Violation] = field(default_factory=list)
    commit: str = ""
    kept: str | None = None
    error: str | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return json.dumps(values, default=_plain)

    @classmethod
    def from_json(cls, line: str) -> Self:
        values = json.loads(line)
        values["violations"] = [Violation(**violation) for violation in values["violations"]]
        return cls(**values)


def _plain(value: object) -> object:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)
