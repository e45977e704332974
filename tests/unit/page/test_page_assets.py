"""The page's document and files as HTTP serves them."""

import asyncio
import re

import httpx
import pytest
from fastapi import FastAPI

from relais_api.page import PAGE_HEADERS, render_page, router


class Face:
    """An agent whose every text attacks the page."""

    token = 'to"ken'  # noqa: S105 -- public by design
    name = "<script>alert(1)</script>"
    greeting = "a & b"
    max_content_chars = 32768


class Client:
    """Calls an app in this process."""

    def __init__(self, app):
        self._app = app

    def get(self, path, headers=None):
        """Send a GET request."""
        return asyncio.run(self._get(path, headers))

    async def _get(self, path, headers):
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://relais") as client:
            return await client.get(path, headers=headers)


@pytest.fixture
def client():
    app = FastAPI()
    app.include_router(router)
    return Client(app)


def test_every_value_is_escaped():
    """An agent's name, greeting and token can't break out of the page."""
    page = render_page(Face())
    assert "<script>alert" not in page
    assert "a &amp; b" in page
    assert 'data-token="to&#34;ken"' in page


def test_nothing_is_inline_and_nothing_is_foreign():
    """The page needs no inline script or style and no other host, which its policy forbids anyway."""
    page = render_page(Face())
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"<style|\sstyle=|\son\w+=|https?://", page)
    assert "'unsafe" not in PAGE_HEADERS["Content-Security-Policy"]


def test_assets_are_kept_for_ever_under_their_version(client):
    """Every file that the page names is there, immutable, and answers 304 to its ETag."""
    names = re.findall(r'"(/assets/[^"]+)"', render_page(Face()))
    assert len(names) >= 4
    for name in names:
        reply = client.get(name)
        assert reply.status_code == 200
        assert "immutable" in reply.headers["cache-control"]
        assert client.get(name, headers={"If-None-Match": reply.headers["etag"]}).status_code == 304


def test_an_older_version_gets_today_s_file_without_keeping_it(client):
    """A page that was open during an upgrade goes on working."""
    reply = client.get("/assets/0123456789ab/main.js")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/javascript")
    assert reply.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["x/nothing.js", "x/__init__.py", "x/..%2frender.py", "x/%2e%2e/render.py"])
def test_only_the_page_s_own_files_are_served(client, name):
    """Any other name is not found."""
    assert client.get(f"/assets/{name}").status_code == 404
