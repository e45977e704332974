"""Replies to the monitor's page that come when a test wants them."""

from collections.abc import Iterator
from contextlib import contextmanager
from re import Pattern

from playwright.sync_api import Page, Route

UNKNOWN = "\N{EN DASH}"
"""What the page shows in the place of a number that it doesn't know."""


class Held:
    """A request of the page that waits."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._route: Route | None = None

    def hold(self, route: Route) -> None:
        """Let it wait."""
        self._route = route

    def release(self) -> None:
        """Let it pass, and return when the page has dealt with its reply."""
        route = self._route
        assert route is not None
        with self._page.expect_event("requestfinished", lambda done: done == route.request):
            route.continue_()
        self._page.evaluate("fetch('/healthz').then((reply) => reply.text())")


@contextmanager
def holding(page: Page, address: str | Pattern[str]) -> Iterator[Held]:
    """Hold back the first request that the page sends to `address` within the block."""
    held = Held(page)
    page.route(address, held.hold, times=1)
    with page.expect_request(address):
        yield held
