"""Shows the figures to people, without scripts."""

from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from relais.lifecycle import State
from relais.parts import PART_WORDS
from relais_monitor.report.figures import Report

PAGE_HEADERS: Final[dict[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def render_status(report: Report) -> str:
    """Give the status page's HTML; every value is escaped."""
    return _template().render(up=report.database_up, figures=report.figures, states=list(State), part_words=PART_WORDS)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("relais_monitor"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("status.html")
