"""The chat page of an agent, as one server-rendered document with static assets beside it."""

from relais_api.page.assets import router
from relais_api.page.render import PAGE_HEADERS, PublicFace, render_page

__all__ = ["PAGE_HEADERS", "PublicFace", "render_page", "router"]
