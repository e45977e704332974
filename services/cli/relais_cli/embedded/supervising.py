"""Starts servers again that end by themselves, later each time."""

import time
from dataclasses import dataclass, field

from relais_cli.embedded.servers import NamedServer
from relais_cli.embedded.steps import Steps
from relais_cli.parts.errors import PartError

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 30.0
_STABLE_S = 60.0


@dataclass
class _Watched:
    named: NamedServer
    delay_s: float = _FIRST_DELAY_S
    start_at: float | None = None
    started_at: float = field(default_factory=time.monotonic)


class Supervisor:
    """Watches the servers that were added."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._watched: list[_Watched] = []

    def add(self, named: NamedServer) -> None:
        """Watch a server that was started."""
        self._watched.append(_Watched(named))

    def look(self) -> None:
        """Look at each once."""
        for watched in self._watched:
            if not watched.named.server.is_running:
                self._bring_back(watched)

    def _bring_back(self, watched: _Watched) -> None:
        now = time.monotonic()
        if watched.start_at is None:
            if now - watched.started_at > _STABLE_S:
                watched.delay_s = _FIRST_DELAY_S
            watched.start_at = now + watched.delay_s
            self._tell(watched, f"ended by itself (see {watched.named.log}); starting it again")
        elif now >= watched.start_at:
            self._start(watched)

    def _start(self, watched: _Watched) -> None:
        watched.start_at = None
        watched.started_at = time.monotonic()
        watched.delay_s = min(2 * watched.delay_s, _LONGEST_DELAY_S)
        try:
            watched.named.server.start()
        except PartError as error:
            self._tell(watched, str(error))

    def _tell(self, watched: _Watched, what: str) -> None:
        self._steps.say(f"{watched.named.name}: {what}", event="restart")
