"""Knows agents by their public tokens, and remembers the answer for a moment."""

import re
import time
from collections import OrderedDict

from relais.store.agents import Agent, find_agent_by_token
from relais_api.database import Database
from relais_api.http.problems import UnknownAgent

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")
_MOST_REMEMBERED = 10_000


class AgentDirectory:
    """Looks agents up by token; an answer, also a negative one, holds for `ttl_s` seconds.

    A change made through this process is seen at once, one made elsewhere within `ttl_s`.
    """

    def __init__(self, database: Database, *, ttl_s: float = 1.0) -> None:
        self._database = database
        self._ttl_s = ttl_s
        self._known: OrderedDict[str, tuple[float, Agent | None]] = OrderedDict()

    async def find(self, token: str) -> Agent:
        """Find the agent of a chat URL.

        Raises:
            UnknownAgent: there is none.
            DatabaseAwayError: it isn't remembered and can't be looked up.
        """
        agent = await self._look_up(token) if _TOKEN.fullmatch(token) else None
        if agent is None:
            raise UnknownAgent("No agent has this token; check the chat address.")
        return agent

    def forget(self, token: str) -> None:
        """Look the token up anew the next time."""
        self._known.pop(token, None)

    async def _look_up(self, token: str) -> Agent | None:
        expires_at, agent = self._known.get(token, (0.0, None))
        now = time.monotonic()
        if expires_at > now:
            return agent
        agent = await self._database.read(find_agent_by_token, token)
        self._known[token] = (now + self._ttl_s, agent)
        while len(self._known) > _MOST_REMEMBERED:  # guessed tokens must not fill the memory
            self._known.popitem(last=False)
        return agent
