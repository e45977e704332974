"""Carries one request to the API and its answer back, bounded in size and time."""

from dataclasses import dataclass
from typing import Final

import httpx

from relais_monitor.problems import MonitorProblem

_CONNECT_S: Final = 3.0
_POOL_S: Final = 3.0
_AT_ONCE: Final = 10
_LARGEST_ANSWER: Final = 8 * 1024 * 1024
_PASSED_BACK: Final = ("Content-Type", "Retry-After")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said."""

    status: int
    headers: dict[str, str]
    body: bytes


class Forwarder:
    """The way to the API at one address; it follows no redirect and uses no proxy of the environment."""

    def __init__(self, api_url: str, *, patience_s: float = 30.0) -> None:
        self._client = httpx.AsyncClient(
            base_url=api_url,
            timeout=httpx.Timeout(patience_s, connect=min(_CONNECT_S, patience_s), pool=min(_POOL_S, patience_s)),
            # The API ends a connection that rests; an action on its way in that instant would be lost, so none is kept.
            limits=httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=0),
            trust_env=False,
            follow_redirects=False,
        )

    async def send(self, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Answer:
        """Send a request; `path` is one of the list of allowed ones.

        Raises:
            MonitorProblem: 502 when the API can't be reached or makes no sense, 503 when too many other requests wait
                for it, 504 when it doesn't answer in time.
        """
        target = httpx.URL(path=path, query=query.encode() or None)
        try:
            async with self._client.stream(method, target, headers=headers, content=body) as reply:
                return await _read(reply)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise _unreachable() from error
        except httpx.PoolTimeout as error:
            raise _busy() from error
        except httpx.TimeoutException as error:
            raise _too_slow() from error
        except httpx.HTTPError as error:
            raise _broken() from error

    async def aclose(self) -> None:
        """End its connections."""
        await self._client.aclose()


async def _read(reply: httpx.Response) -> Answer:
    body = bytearray()
    async for piece in reply.aiter_bytes():
        body += piece
        if len(body) > _LARGEST_ANSWER:
            raise _broken()
    headers = {name: reply.headers[name] for name in _PASSED_BACK if name in reply.headers}
    return Answer(reply.status_code, headers, bytes(body))


def _unreachable() -> MonitorProblem:
    detail = "The monitor can't reach the API; nothing was changed. Start it, or correct RELAIS_MONITOR_API_URL."
    return MonitorProblem(502, "api_unreachable", "The API can't be reached", detail)


def _busy() -> MonitorProblem:
    detail = "Too many other actions wait for the API; nothing was changed. See whether it works, then try again."
    return MonitorProblem(503, "api_busy", "The API is busy", detail, retry_after_s=5)


def _too_slow() -> MonitorProblem:
    detail = (
        "The API did not answer in time. The action may have been done: look at the list of actions, then try again."
    )
    return MonitorProblem(504, "api_timeout", "The API did not answer in time", detail)


def _broken() -> MonitorProblem:
    detail = "The API broke its answer off. The action may have been done: look at the list of actions, then try again."
    return MonitorProblem(502, "api_broken", "The API's answer makes no sense", detail)
