"""Posts one message and logs what came of it."""

import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from faults import loopback
from faults.history import Expectation, History, Kind

_SERVER_ERROR = 500
_TRIES = 40
_PAUSE_S = 0.25


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one client posts, and the log of what it does."""

    history: History
    http: httpx.Client
    who: str
    token: str

    def post(self, body: dict[str, Any], key: str, **logged: object) -> dict[str, Any] | None:
        """Post once; the receipt, or None when it was refused or nobody knows."""
        told = {"key": key, "content": body["content"], "session": body.get("session_id"), **logged}
        call = self.history.invoke(self.who, "submit", **told)
        try:
            reply = self.http.post(f"/c/{self.token}/message", json=body, headers={"Idempotency-Key": key})
        except httpx.ConnectError as error:
            return self._end(call, "fail", error=repr(error))
        except httpx.HTTPError as error:
            return self._end(call, "unknown", error=repr(error))
        if not reply.is_success:
            kind: Kind = "unknown" if reply.status_code >= _SERVER_ERROR else "fail"
            return self._end(call, kind, status=reply.status_code, body=reply.text[:500])
        receipt: dict[str, Any] = reply.json()
        self.history.end(call, self.who, "submit", "ok", id=receipt["message_id"], session=receipt["session_id"])
        return receipt

    def _end(self, call: int, kind: Kind, **values: object) -> None:
        self.history.end(call, self.who, "submit", kind, **values)


def submit(history: History, url: str, token: str, content: str, *, expect: Expectation | None = None) -> str:
    """Post until acknowledged, with one key; return the message's id."""
    key = str(uuid4())
    body = {"content": f"{history.tag()} {content}"}
    with loopback.client(url) as client:
        desk = Desk(history, client, "nemesis", token)
        for _ in range(_TRIES):
            receipt = desk.post(body, key, expect=expect)
            if receipt is not None:
                return str(receipt["message_id"])
            time.sleep(_PAUSE_S)
    raise AssertionError("the message of the nemesis was never acknowledged")
