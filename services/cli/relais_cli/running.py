"""Where the Relais of a home listens: a small file that `relais up` writes for the other commands."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

_NAME = "running.json"


@dataclass(frozen=True, slots=True)
class Running:
    """The addresses of a running `relais up`."""

    api_url: str
    monitor_url: str

    def write(self, home: Path) -> None:
        """Tell the other commands."""
        (home / _NAME).write_text(json.dumps(asdict(self)) + "\n")

    @classmethod
    def read(cls, home: Path) -> Self | None:
        """Read what the last `up` wrote; None when it stopped in order, or never ran."""
        try:
            return cls(**json.loads((home / _NAME).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    @staticmethod
    def forget(home: Path) -> None:
        """Remove the file."""
        (home / _NAME).unlink(missing_ok=True)
