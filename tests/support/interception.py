"""Requests of a page that a test answers, loses or holds back."""

from playwright.sync_api import BrowserContext, Page


def open_intercepted(context: BrowserContext) -> Page:
    """A new page whose requests a test may intercept at any moment.

    Chromium begins to ask about requests a moment after it was told to, when a page is already there: a request of that
    moment passes by, and Playwright never tells of it. So it asks from the page's first request on.
    """
    page = context.new_page()
    page.route("**/asked-for-by-nobody", lambda route: route.abort())
    return page
