"""Clients that post all the time and try again until they are told that a message is accepted."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from faults.history import History, Kind

_CLIENTS = 4
_PAUSE_S = 0.5
_RETRY_S = 0.25
_TIMEOUT_S = 15.0
_GIVE_UP_S = 90.0
_REFUSED_HONESTLY = 503
# Each request has a connection of its own: one that is kept may be closed by a server just as the next request comes,
# in good order, and that can't be told from a request that was dropped.
_NONE_KEPT = httpx.Limits(max_keepalive_connections=0)


@dataclass(frozen=True, slots=True)
class Try:
    """One request: a status, or the name of what broke the connection."""

    at: float
    took_s: float
    outcome: int | str


@dataclass
class Load:
    """Posts from `start` to `stop`; what every client met is kept."""

    url: str
    token: str
    history: History
    accepted: list[str] = field(default_factory=list)
    tries: list[Try] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, name=f"load-{n}", daemon=True) for n in range(_CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End when every client knows that its last message is accepted."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(_GIVE_UP_S + 2 * _TIMEOUT_S)
        assert not any(thread.is_alive() for thread in self._threads), "a client did not end"
        assert not self.defects, self.defects[:3]

    def broken(self) -> list[Try]:
        """Requests that got no reply."""
        return [tried for tried in self.tries if isinstance(tried.outcome, str)]

    def count(self, status: int) -> int:
        """Requests that got this reply."""
        return sum(tried.outcome == status for tried in self.tries)

    def reasons(self) -> Counter[str]:
        """What broke the requests that got no reply, with how often."""
        return Counter(str(tried.outcome) for tried in self.broken())

    def refused_for_s(self) -> float:
        """Longest time from one client's view in which no request at all was answered."""
        broken = sorted(self.broken(), key=lambda tried: tried.at)
        answered = sorted(tried.at for tried in self.tries if isinstance(tried.outcome, int))
        ends = [next((at for at in answered if at > tried.at), tried.at) - tried.at for tried in broken]
        return max(ends, default=0.0)

    def slowest_s(self) -> float:
        """The longest reply."""
        return max((tried.took_s for tried in self.tries if isinstance(tried.outcome, int)), default=0.0)

    def _run(self) -> None:
        with httpx.Client(base_url=self.url, timeout=_TIMEOUT_S, limits=_NONE_KEPT) as client:
            number = 0
            while not self._stopping.wait(_PAUSE_S):
                number += 1
                self._post(client, f"Question {number}?")

    def _post(self, client: httpx.Client, content: str) -> None:
        key = str(uuid4())
        content = f"[{self.history.trial} load {key}] {content}"
        give_up = time.monotonic() + _GIVE_UP_S
        while time.monotonic() < give_up:
            reply = self._try(client, content, key)
            if reply is not None and reply.status_code == httpx.codes.ACCEPTED:
                self.accepted.append(str(reply.json()["message_id"]))
                return
            if reply is not None and reply.status_code != _REFUSED_HONESTLY:
                self.defects.append(f"{reply.status_code}: {reply.text[:200]}")
                return
            if reply is not None and "Retry-After" not in reply.headers:
                self.defects.append(f"a 503 without Retry-After: {reply.text[:200]}")
            time.sleep(_RETRY_S)
        self.defects.append("a message was not accepted in time")

    def _try(self, client: httpx.Client, content: str, key: str) -> httpx.Response | None:
        started = time.time()
        call = self.history.invoke("load", "submit", key=key, content=content)
        path = f"/c/{self.token}/message"
        try:
            reply = client.post(path, json={"content": content}, headers={"Idempotency-Key": key})
        except httpx.TransportError as error:
            self.tries.append(Try(started, time.time() - started, type(error).__name__))
            self._log(call, "fail" if isinstance(error, httpx.ConnectError) else "unknown")
            return None
        self.tries.append(Try(started, time.time() - started, reply.status_code))
        if reply.status_code == httpx.codes.ACCEPTED:
            self._log(call, "ok", id=reply.json()["message_id"])
        else:
            self._log(call, "unknown")
        return reply

    def _log(self, call: int, kind: Kind, **values: object) -> None:
        self.history.end(call, "load", "submit", kind, **values)
