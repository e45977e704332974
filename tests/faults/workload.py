"""Several clients at once against the rig's API."""

import random
import threading

from faults import loopback
from faults.chat_client import ChatClient
from faults.rig import Rig
from faults.submitting import Desk

_CLIENTS = 4
_TIMEOUT_S = 5.0


class Workload:
    """Clients that run from `start` to `stop`; together they post `messages` quickly, then a few a second."""

    def __init__(self, rig: Rig, rng: random.Random, *, messages: int = 40, pause_s: float = 0.12) -> None:
        self._stop = threading.Event()
        self._https = [loopback.client(rig.url, timeout=_TIMEOUT_S) for _ in range(_CLIENTS)]
        self._clients = [
            ChatClient(
                Desk(rig.history, http, f"c{number}", rig.agent_token),
                random.Random(rng.random()),
                self._stop,
                messages // _CLIENTS,
                pause_s,
            )
            for number, http in enumerate(self._https)
        ]
        self._threads = [
            threading.Thread(target=client.run, name=f"client-{number}", daemon=True)
            for number, client in enumerate(self._clients)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after the calls that run.

        Raises:
            AssertionError: a client did not end, or met what it doesn't understand.
        """
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        hanging = [thread.name for thread in self._threads if thread.is_alive()]
        for http in self._https:
            http.close()
        defects = [client.defect for client in self._clients if client.defect]
        assert not hanging, f"did not end: {hanging}"
        assert not defects, "; ".join(defects)
