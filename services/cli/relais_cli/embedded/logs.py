"""Where the logs of `relais up` go: all into a file, warnings to the terminal too, in one line each."""

import logging
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from relais.settings import RelaisSettings
from relais.telemetry import configure_logging
from relais_cli.embedded.novelty import Novelty
from relais_cli.render import stderr

_MOST_BYTES = 10_000_000
_KEPT = 3
_HIDDEN = {"event", "timestamp", "level", "logger", "_record", "_from_structlog", "exc_info"}


def log_to(path: Path, settings: RelaisSettings, *, verbose: bool, silenced: Callable[[], bool]) -> None:
    """Write the records of this process to a file, and warnings to the terminal.

    Args:
        path: the file; older records move to files beside it.
        settings: say how and from which level on.
        verbose: show all records in the terminal.
        silenced: true once the terminal shall show none, since everything goes down anyway.
    """
    everything = RotatingFileHandler(path, maxBytes=_MOST_BYTES, backupCount=_KEPT, encoding="utf-8")
    configure_logging(log_format=settings.log_format, level=settings.log_level, handler=everything)
    logging.getLogger().addHandler(_TerminalHandler(path, silenced, verbose=verbose))
    logging.captureWarnings(capture=True)
    logging.getLogger("py.warnings").propagate = verbose
    logging.getLogger("py.warnings").addHandler(everything)


class _TerminalHandler(logging.Handler):
    def __init__(self, path: Path, silenced: Callable[[], bool], *, verbose: bool) -> None:
        super().__init__(logging.NOTSET if verbose else logging.WARNING)
        self._verbose = verbose
        self._novelty = Novelty()
        self._silenced = silenced
        self._path = path
        self._console = stderr()

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; a traceback stays in the file."""
        line = _line(record)
        if self._silenced() or not (self._verbose or self._novelty.is_news(line)):
            return
        crashed = record.exc_info or (isinstance(record.msg, dict) and record.msg.get("exc_info"))
        hint = f" (see {self._path})" if crashed else ""
        try:
            self._console.print(f"{record.levelname.lower()}: {line}{hint}", soft_wrap=True)
        except OSError:  # the terminal is gone
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- the library's name
        """Say nothing: there is nobody left to tell."""


def _line(record: logging.LogRecord) -> str:
    if not isinstance(record.msg, dict):
        return " ".join(record.getMessage().split())
    fields: dict[str, Any] = record.msg
    told = " ".join(f"{key}={value}" for key, value in fields.items() if key not in _HIDDEN and value is not None)
    return f"{fields.get('event')} {told}".strip()
