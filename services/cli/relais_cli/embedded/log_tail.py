"""Shows in the terminal what the services write into their logs, each line with the service's name before it."""

import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from relais_cli.embedded.novelty import Novelty
from relais_cli.render import stderr

_INTERVAL_S = 0.3
_LONGEST_LOG = 10_000_000
_QUIET = re.compile(r"^(\s|$|Traceback)|\[(debug|info)\s*\]|\"level\": ?\"(debug|info)\"")
_TIMESTAMP = re.compile(r"^[\d-]+T[\d:.]+Z ")


@dataclass
class LogTail:
    """Follows log files in a thread of its own; unless `verbose`, only what isn't routine is shown."""

    verbose: bool
    _files: dict[str, TextIO] = field(default_factory=dict)

    def follow(self, name: str, path: Path) -> None:
        """Follow a file from its present end; one that grew too long is set aside first."""
        if path.exists() and path.stat().st_size > _LONGEST_LOG:
            path.replace(path.with_suffix(".old.log"))
        path.touch(mode=0o600)
        file = path.open(encoding="utf-8", errors="replace")
        file.seek(0, 2)
        self._files[name] = file

    def start(self) -> None:
        """Begin to show."""
        threading.Thread(target=self._run, name="log-tail", daemon=True).start()

    def _run(self) -> None:
        console, novelty = stderr(), Novelty()
        while True:
            time.sleep(_INTERVAL_S)
            for name, file in list(self._files.items()):
                for line in file.readlines():
                    words = _TIMESTAMP.sub("", " ".join(line.split()))
                    is_quiet = _QUIET.search(line)  # as are the lines of a traceback, which stay in the file
                    if self.verbose or (not is_quiet and novelty.is_news(name + words)):
                        console.print(f"{name} | {words}", soft_wrap=True)
