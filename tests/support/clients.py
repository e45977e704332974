"""Clients that post as real ones do: at once, with idempotency keys, trying again when they don't know."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import uuid4

import httpx


@dataclass(frozen=True)
class Poster:
    """Posts messages to one agent."""

    url: str
    token: str

    def post(self, client: httpx.Client, content: str) -> str:
        """Post until acknowledged; the same key each time. Return the message's id."""
        key = str(uuid4())
        for _ in range(120):
            try:
                reply = client.post(
                    f"/c/{self.token}/message", json={"content": content}, headers={"Idempotency-Key": key}
                )
            except httpx.TransportError:
                reply = None
            if reply is not None and reply.status_code == 202:
                return str(reply.json()["message_id"])
            assert reply is None or reply.status_code == 503, reply.text
            time.sleep(0.25)
        raise AssertionError("never acknowledged")

    def post_many(self, count: int, *, clients: int = 8) -> list[str]:
        """Post `count` messages from several clients at once."""
        with httpx.Client(base_url=self.url, timeout=20) as client, ThreadPoolExecutor(clients) as pool:
            return list(pool.map(lambda number: self.post(client, f"Question {number}?"), range(count)))
