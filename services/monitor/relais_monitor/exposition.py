"""Writes metric families in the format that a scraper asks for, once for all who scrape the same snapshot."""

import threading
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder

from relais_monitor.metrics.families import families
from relais_monitor.snapshot import Snapshot, SnapshotReader

Written = tuple[bytes, str]
_ABSENT: Final = object()


class _Families:
    """What the encoders of prometheus_client take for a registry."""

    def __init__(self, snapshot: Snapshot | None) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        return families(self._snapshot)


class Exposition:
    """The text of `/metrics`."""

    def __init__(self, reader: SnapshotReader) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self._of: object = _ABSENT
        self._written: dict[str, Written] = {}

    def write(self, accept: str) -> Written:
        """Give the text and its content type: OpenMetrics where `accept` asks for it, else Prometheus' own."""
        snapshot = self._reader.read()
        encode, content_type = choose_encoder(accept)
        with self._lock:
            if self._of is not snapshot:
                self._of, self._written = snapshot, {}
            if content_type not in self._written:
                self._written[content_type] = (_encoded(encode, snapshot), content_type)
            return self._written[content_type]


def _encoded(encode: Callable[..., bytes], snapshot: Snapshot | None) -> bytes:
    return encode(_Families(snapshot))
