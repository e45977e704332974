"""The monitor on a real database, scraped as Prometheus scrapes it."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from relais.store.engine import make_engine
from relais_monitor.app import Dependencies, build_app
from support.engines import dispose
from support.waiting import wait_until

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@dataclass
class Monitor:
    """A monitor, and what a scrape of it says."""

    app: FastAPI

    def stop(self) -> None:
        """Stop it as its server does."""

        async def stop() -> None:
            async with self.app.router.lifespan_context(self.app):
                pass

        asyncio.run(stop())

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Send a GET request."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://monitor", timeout=30) as client:
                return await client.get(path, headers=headers)

        return asyncio.run(send())

    def scrape(self) -> Samples:
        """Read /metrics with Prometheus' own parser; also prove that OpenMetrics' stricter one accepts it."""
        list(parse_openmetrics(self.get("/metrics", accept="application/openmetrics-text; version=1.0.0").text))
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(self.get("/metrics").text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        """Give one sample's value; None when there is no such sample."""
        return self.scrape().get((name, frozenset(labels.items())))

    def scrape_counted(self) -> Samples:
        """Scrape once it has counted what finished, which it does in the background."""
        wait_until(lambda: self.value("relais_jobs", kind="answer", state="completed") is not None, message="counted")
        return self.scrape()


@pytest.fixture
def make_monitor() -> Iterator[Callable[[str], Monitor]]:
    """Make monitors of the databases given."""
    engines = []

    def make(url: str, *, cache_s: float = 0.0, patience_s: float = 5.0, home: Path | None = None) -> Monitor:
        engines.append(make_engine(url, pool_size=2, pool_timeout_s=2, application_name="relais-monitor"))
        return Monitor(build_app(Dependencies(engines[-1], cache_s=cache_s, patience_s=patience_s, home=home)))

    yield make
    for engine in engines:
        dispose(engine)


@pytest.fixture
def monitor(make_monitor: Callable[[str], Monitor], database_url: str) -> Monitor:
    """A monitor of the test's database that reads it anew for every scrape."""
    return make_monitor(database_url)
