"""Turns an agent's public face into the HTML of its chat page."""

from functools import cache
from typing import Final, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from relais_api.page.assets import assets_version

# Trusted Types make the browser itself refuse `innerHTML`, should a later change of the page forget the rule.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)

PAGE_HEADERS: Final[dict[str, str]] = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the address holds the agent's token
    "Cache-Control": "no-cache",  # names the current assets
    "Vary": "Accept",  # the same address answers JSON
}


class PublicFace(Protocol):
    """What the page shows of an agent."""

    @property
    def token(self) -> str:
        """The public token in the chat URL."""

    @property
    def name(self) -> str:
        """The name in the header."""

    @property
    def greeting(self) -> str:
        """The first words, shown while the conversation is empty; may be empty."""

    @property
    def max_content_chars(self) -> int:
        """The longest message the API accepts, in code points."""


def render_page(agent: PublicFace) -> str:
    """Give the HTML of the agent's chat page; every value is escaped."""
    return _template().render(agent=agent, assets=f"/assets/{assets_version()}")


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("relais_api.page"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("chat.html")
