"""One client of the workload: asks, looks, streams, cancels and retries at random, as its seed says."""

import json
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from faults.facts import FACTS
from faults.history import Kind
from faults.submitting import Desk

_SERVER_ERROR = 500
_STREAM_S = 2.0


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that this client posted; `id` is None when it doesn't know whether it was accepted.

    `answer` is what it must be told.
    """

    key: str
    body: dict[str, Any]
    answer: str
    id: str | None
    session: str | None


@dataclass
class ChatClient:
    """Calls the API until told to stop; posts seldom once it has posted `budget` new messages."""

    desk: Desk
    rng: random.Random
    stop: threading.Event
    budget: int
    pause_s: float
    sent: list[Sent] = field(default_factory=list)
    defect: str | None = None

    def run(self) -> None:
        """Ask at once, then do as the dice say; `defect` says what ended it before its time."""
        try:
            self._ask()
            while not self.stop.wait(self.rng.expovariate(1.0 / self.pause_s)):
                self._choose()()
        except Exception as error:  # noqa: BLE001 -- such as a reply of another form; whoever joins the thread tells
            self.defect = f"client {self.desk.who} could not go on: {error!r}"[:500]

    def _choose(self) -> Callable[[], None]:
        actions: dict[Callable[[], None], int] = {
            self._ask: 40 if self.budget > 0 else 3,
            self._ask_on: 20 if self.budget > 0 else 1,
            self._repeat: 10,
            self._poll: 25,
            self._stream: 8,
            self._cancel: 5,
            self._retry: 8,
        }
        return self.rng.choices(list(actions), list(actions.values()))[0]

    def _ask(self, session: str | None = None) -> None:
        self.budget -= 1
        question, answer = self.rng.choice(list(FACTS.items()))
        content = f"{self.desk.history.tag()} {question}"
        self._post(str(uuid4()), {"content": content, **({"session_id": session} if session else {})}, answer)

    def _ask_on(self) -> None:
        sessions = [sent.session for sent in self.sent if sent.session]
        self._ask(self.rng.choice(sessions) if sessions else None)

    def _repeat(self) -> None:
        """The same message with the same key, above all when the first reply is unknown."""
        unsure = [sent for sent in self.sent if sent.id is None]
        sent = self.rng.choice(unsure or self.sent)
        self._post(sent.key, sent.body, sent.answer)

    def _post(self, key: str, body: dict[str, Any], answer: str) -> None:
        receipt = self.desk.post(body, key, answer=answer)
        told = (None, None) if receipt is None else (str(receipt["message_id"]), str(receipt["session_id"]))
        self.sent = [sent for sent in self.sent if sent.key != key] + [Sent(key, body, answer, *told)]

    def _known(self) -> str | None:
        ids = [sent.id for sent in self.sent[-12:] if sent.id]
        return self.rng.choice(ids) if ids else None

    def _poll(self) -> None:
        self._call("poll", "GET", "status")

    def _cancel(self) -> None:
        self._call("cancel", "POST", "cancel")

    def _retry(self) -> None:
        self._call("retry", "POST", "retry")

    def _call(self, op: str, method: str, path: str) -> None:
        message = self._known()
        if message is None:
            return
        call = self.desk.history.invoke(self.desk.who, op, id=message)
        try:
            reply = self.desk.http.request(method, f"/api/messages/{message}/{path}")
        except httpx.ConnectError as error:
            self._end(call, op, "fail", id=message, error=repr(error))
        except httpx.HTTPError as error:
            self._end(call, op, "unknown", id=message, error=repr(error))
        else:
            self._log_reply(call, op, message, reply)

    def _log_reply(self, call: int, op: str, message: str, reply: httpx.Response) -> None:
        if reply.is_success:
            self._end(call, op, "ok", **seen(reply.json()))
        else:
            kind: Kind = "unknown" if reply.status_code >= _SERVER_ERROR else "fail"
            self._end(call, op, kind, id=message, status_code=reply.status_code, body=reply.text[:300])

    def _stream(self) -> None:
        message = self._known()
        if message is None:
            return
        call = self.desk.history.invoke(self.desk.who, "stream", id=message)
        try:
            with self.desk.http.stream("GET", f"/api/messages/{message}/events", timeout=_STREAM_S) as reply:
                done = next((data for name, data in _events(reply) if name == "done" or self.stop.is_set()), None)
        except httpx.HTTPError as error:
            self._end(call, "stream", "unknown", id=message, error=repr(error))
        else:
            told = seen(done) if done and "status" in done else {"id": message}
            self._end(call, "stream", "ok" if "status" in told else "unknown", **told)

    def _end(self, call: int, op: str, kind: Kind, **values: Any) -> None:
        self.desk.history.end(call, self.desk.who, op, kind, **values)


def seen(body: dict[str, Any]) -> dict[str, Any]:
    """What a status body tells, as far as the checker compares it with the rows."""
    fields = ("status", "content", "attempt", "error_code", "queue_position")
    return {"id": body["message_id"], **{name: body[name] for name in fields}}


def _events(reply: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    for line in reply.iter_lines():
        if line.startswith("event:"):
            name = line.removeprefix("event:").strip()
        elif line.startswith("data:"):
            yield name, json.loads(line.removeprefix("data:"))
