"""The addresses of the two pages."""

from functools import cache
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from relais.lifecycle import State
from relais.queues import Kind
from relais_monitor.page.assets import assets_version

router: Final = APIRouter(include_in_schema=False)

# Trusted Types make the browser itself refuse `innerHTML`, should a later change of the page forget the rule.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
PAGE_HEADERS: Final[dict[str, str]] = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",  # a filter in the address may name a session
    "Cache-Control": "no-cache",  # names the current files
}


@router.get("/", response_class=HTMLResponse)
async def show_status() -> HTMLResponse:
    """Show the status page; it fills itself."""
    return HTMLResponse(render_status(), headers=PAGE_HEADERS)


@router.get("/jobs/{ref}", response_class=HTMLResponse)
async def show_job(ref: str) -> HTMLResponse:
    """Show the page of a job; it says itself when there is no such job."""
    return HTMLResponse(render_job(ref), headers=PAGE_HEADERS)


def render_status() -> str:
    """Give the status page's HTML."""
    return _template("status.html").render(states=list(State), kinds=list(Kind), **_common())


def render_job(ref: str) -> str:
    """Give the HTML of a job's page; the ref is escaped, and checked by what reads the job."""
    return _template("job.html").render(ref=ref, **_common())


def _common() -> dict[str, str]:
    return {"assets": f"/assets/{assets_version()}"}


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("relais_monitor.page"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(name)
