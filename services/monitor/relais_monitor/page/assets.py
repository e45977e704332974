"""Serves the status page's scripts and styles."""

from functools import cache
from typing import Annotated, Final

from fastapi import APIRouter, Header, Response

from relais.page_assets import Assets, load_assets
from relais_monitor.problems import MonitorProblem

router: Final = APIRouter(prefix="/assets", include_in_schema=False)


@cache
def _assets() -> Assets:
    return load_assets("relais_monitor.page")


def assets_version() -> str:
    """Give the version of all files together; it changes when any of them does."""
    return _assets().version


@router.get("/{version}/{name}")
async def show_asset(version: str, name: str, if_none_match: Annotated[str, Header()] = "") -> Response:
    """Serve one file of the page; 404 for any name that the page does not have."""
    asset = _assets().by_name.get(name)
    if asset is None:
        raise MonitorProblem(404, "not_found", "Not found", "The page has no such file; load the page again.")
    headers = asset.headers(newest=version == assets_version())
    if asset.etag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)
