"""The monitor's pages and files as HTTP serves them."""

import asyncio
import re

import httpx
import pytest
from fastapi import FastAPI

from relais_monitor.page.assets import router as assets
from relais_monitor.page.routes import router as pages
from relais_monitor.problems import install_problem_handlers


class Client:
    """Calls the two routers in this process."""

    def __init__(self) -> None:
        self._app = FastAPI()
        install_problem_handlers(self._app)
        self._app.include_router(pages)
        self._app.include_router(assets)

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Send a GET request."""
        return asyncio.run(self._get(path, headers))

    async def _get(self, path: str, headers: dict[str, str] | None) -> httpx.Response:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://monitor") as client:
            return await client.get(path, headers=headers)


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.mark.parametrize("path", ["/", "/jobs/0123456789ab"])
def test_nothing_is_inline_and_nothing_is_foreign(client, path):
    """The pages need no inline script or style and no other host, which their policy forbids anyway."""
    page = client.get(path)
    assert page.status_code == 200
    assert not re.search(r"<script(?![^>]*\bsrc=)", page.text)
    assert not re.search(r"<style|\sstyle=|\son\w+=|https?://", page.text)
    policy = page.headers["content-security-policy"]
    assert "'unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy


def test_a_ref_is_escaped(client):
    """Whatever stands in the address can't break out of the page."""
    page = client.get("/jobs/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert "<script>alert" not in page.text


def test_a_browser_without_scripts_is_sent_to_the_figures(client):
    """The page says what it needs, and where the same figures are."""
    assert re.search(r"<noscript>.*JavaScript.*/api/stats.*/metrics.*</noscript>", client.get("/").text)


def test_every_file_is_served_and_kept_under_its_version(client):
    """What the pages and their modules name is there, immutable, and answers 304 to its ETag."""
    names = set(re.findall(r'"(/assets/[^"]+)"', client.get("/").text + client.get("/jobs/0123456789ab").text))
    version = next(iter(names)).rsplit("/", 1)[0]
    waiting = sorted(names)
    while waiting:
        name = waiting.pop()
        reply = client.get(name)
        assert reply.status_code == 200, name
        assert "immutable" in reply.headers["cache-control"]
        assert client.get(name, headers={"If-None-Match": reply.headers["etag"]}).status_code == 304
        imported = {f"{version}/{found}" for found in re.findall(r'from "\./([^"]+)"', reply.text)}
        waiting += sorted(imported - names)
        names |= imported
    assert len(names) > 20


@pytest.mark.parametrize("name", ["x/nothing.js", "x/__init__.py", "x/..%2froutes.py", "x/%2e%2e/routes.py"])
def test_only_the_pages_own_files_are_served(client, name):
    """Any other name is not found."""
    assert client.get(f"/assets/{name}").status_code == 404
