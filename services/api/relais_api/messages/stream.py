"""Decides which events a client needs next, from what it has seen and what is there now."""

import json
import re
from dataclasses import dataclass
from typing import Self

from relais_api.messages.feed import View

_POSITION = re.compile(r"(\d{1,9}):(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Event:
    """A server-sent event; `data` is JSON, `id` is `attempt:offset`, the place to resume from."""

    name: str
    data: str
    id: str | None = None


@dataclass(slots=True)
class Cursor:
    """What a client has seen: so many characters of the text of one attempt."""

    attempt: int = 0
    offset: int = 0

    @classmethod
    def resume(cls, last_event_id: str) -> Self:
        """Begin where `Last-Event-ID` says; at the beginning when it says nothing sensible."""
        found = _POSITION.fullmatch(last_event_id)
        return cls(int(found[1]), int(found[2])) if found else cls()

    def advance(self, view: View) -> list[Event]:
        """Move on to `view`: a `reset` when another attempt began, a `delta` when there is more text."""
        return [*self._reset(view), *self._delta(view)]

    def finish(self, view: View | None, content: str | None) -> list[Event]:
        """Complete the text of a client that saw its beginning; one that saw none gets it with the end."""
        saw = "" if view is None or view.draft_attempt != self.attempt else view.draft[: self.offset]
        return self._append(content[self.offset :]) if saw and content and content.startswith(saw) else []

    def _reset(self, view: View) -> list[Event]:
        if view.attempt == self.attempt:
            return []
        seen_another = self.attempt != 0
        self.attempt, self.offset = view.attempt, 0
        return [Event("reset", json.dumps({"attempt": view.attempt}), self._id())] if seen_another else []

    def _delta(self, view: View) -> list[Event]:
        return self._append(view.draft[self.offset :] if view.draft_attempt == self.attempt else "")

    def _append(self, text: str) -> list[Event]:
        if not text:
            return []
        data = {"attempt": self.attempt, "offset": self.offset, "text": text}
        self.offset += len(text)
        return [Event("delta", json.dumps(data, ensure_ascii=False), self._id())]

    def _id(self) -> str:
        return f"{self.attempt}:{self.offset}"
