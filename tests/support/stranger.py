"""Somebody who has never seen Relais, before the monitor's status page: reads, clicks, takes pictures."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from support.stack import ADMIN_KEY

SIZE = {"width": 1280, "height": 800}
_PATIENCE_MS = 90_000
_ABOVE_EVERYTHING = 200  # pixels from the top


@dataclass(frozen=True)
class Stranger:
    """One visit of the status page, without a reload; pictures go to each of the folders."""

    page: Page
    broken_to: Sequence[Path]
    mended_to: Path

    def arrive(self, url: str) -> None:
        """Open the page."""
        self.page.goto(url)
        self.page.locator("#live[data-state=live]").wait_for()
        self.page.evaluate("window.sameVisit = true")

    @property
    def troubles(self) -> Locator:
        """What is wrong now."""
        return self.page.get_by_role("region", name="What is wrong now").get_by_role("article")

    def reads(self, title: str, *sentences: str | re.Pattern[str]) -> str:
        """Wait until the first thing on the page is this trouble, said in these words; the whole of its text."""
        first = self.troubles.first
        expect(first.get_by_role("heading")).to_have_text(title, timeout=_PATIENCE_MS)
        for sentence in sentences:
            expect(first).to_contain_text(sentence, timeout=_PATIENCE_MS)
        box = first.bounding_box()
        assert box, "it is on the page"
        assert box["y"] < _ABOVE_EVERYTHING
        assert self.page.evaluate("scrollY") == 0
        return first.inner_text()

    def sign_in(self) -> None:
        """Type an operator's key, once for the visit."""
        if self.page.get_by_role("button", name="Sign out").count():
            return
        self.page.locator("#key-button").click()
        self.page.get_by_label("Key", exact=True).fill(ADMIN_KEY)
        self.page.keyboard.press("Enter")
        self.page.get_by_role("button", name="Sign out").wait_for()

    def clicks(self, name: str) -> Locator:
        """Press the button of the first trouble; the dialog that opens."""
        self.troubles.first.get_by_role("button", name=name, exact=True).click()
        return self.page.get_by_role("dialog")

    def follows_in_a_new_tab(self, link: Locator) -> Page:
        """Open where a link leads, and keep this page."""
        page = self.page.context.new_page()
        page.goto(f"{self.page.url.rstrip('/')}{link.get_attribute('href')}")
        return page

    def sees_it_mended(self, name: str) -> None:
        """The page comes to show no trouble, by itself."""
        expect(self.troubles).to_have_count(0, timeout=_PATIENCE_MS)
        assert self.page.evaluate("window.sameVisit"), "the page wasn't reloaded"
        self._picture(self.mended_to / f"{name}-mended.png")

    def picture_of_broken(self, name: str) -> None:
        """Keep what the page shows."""
        for folder in self.broken_to:
            self._picture(folder / f"situation-{name}.png")

    def _picture(self, path: Path) -> None:
        self.page.screenshot(path=path, animations="disabled")
