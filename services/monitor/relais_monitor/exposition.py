"""Writes metric families in the format that a scraper asks for."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder

from relais_monitor.families import families
from relais_monitor.snapshot import SnapshotReader


class SnapshotCollector:
    """A Prometheus collector over the snapshots."""

    def __init__(self, reader: SnapshotReader) -> None:
        self._reader = reader

    def collect(self) -> Iterator[Metric]:
        """Read a snapshot and give its families."""
        return families(self._reader.read())

    def describe(self) -> Iterator[Metric]:
        """Name nothing in advance: registering must not read the database."""
        return iter(())


class Exposition:
    """The text of `/metrics`."""

    def __init__(self, reader: SnapshotReader) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(SnapshotCollector(reader))

    def write(self, accept: str) -> tuple[bytes, str]:
        """Give the text and its content type: OpenMetrics where `accept` asks for it, else Prometheus' own."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type
