"""Keeps a tally's state in a file, so that a restart continues where the process was."""

import json
import time
from pathlib import Path

import structlog

from relais_monitor.files import replace_file
from relais_monitor.tally.state import TallyState

_NAME = "tally.json"
_EVERY_S = 60.0  # writing a busy day down takes some 50 ms

log = structlog.get_logger(__name__)


class StateFile:
    """`tally.json` in a folder, replaced whole: a crash leaves the old state or the new one.

    An old one is as good: what came after it is read from the ledger again, and gives the same.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._next_at = 0.0
        self._top = -1
        self._failing = False

    def load(self) -> TallyState | None:
        """Read the state; None when there is none that can be used."""
        try:
            return TallyState.from_plain(json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            log.warning("tally.unreadable", file=str(self._path), error=repr(error))
            return None

    def save_now_and_then(self, state: TallyState) -> None:
        """Write the state if it changed and the last time was a while ago."""
        if time.monotonic() >= self._next_at:
            self.save(state)

    def save(self, state: TallyState) -> None:
        """Write the state if it changed; a folder that can't be written to is logged once, and figures go on."""
        self._next_at = time.monotonic() + _EVERY_S
        if state.top == self._top:
            return
        try:
            replace_file(self._path, json.dumps(state.to_plain(), separators=(",", ":")).encode())
        except OSError as error:
            if not self._failing:
                log.warning("tally.not_saved", file=str(self._path), error=repr(error))
            self._failing = True
            return
        self._failing = False
        self._top = state.top
