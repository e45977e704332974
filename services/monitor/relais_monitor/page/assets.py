"""Serves the page's scripts and styles under a version made of their contents."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated, Final

from fastapi import APIRouter, Header, Response

from relais_monitor.problems import MonitorProblem

router: Final = APIRouter(prefix="/assets", include_in_schema=False)

# The version is in the path, so that a module's relative imports name the same version as the page did.
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_REVALIDATE: Final = "no-cache"  # an old page after an upgrade: it gets the newest files, but must not keep them
_MEDIA_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    media_type: str
    etag: str


@cache
def _assets() -> dict[str, _Asset]:
    folder = resources.files("relais_monitor.page") / "assets"
    return {file.name: _load(file.name, file.read_bytes()) for file in folder.iterdir() if _media_type(file.name)}


def _load(name: str, content: bytes) -> _Asset:
    return _Asset(content, _media_type(name), f'"{hashlib.sha256(content).hexdigest()[:20]}"')


def _media_type(name: str) -> str:
    return _MEDIA_TYPES.get(name[name.rfind(".") :], "")


@cache
def assets_version() -> str:
    """Give the version of all files together; it changes when any of them does."""
    digest = hashlib.sha256()
    for name, asset in sorted(_assets().items()):
        digest.update(f"{name} {asset.etag}\n".encode())
    return digest.hexdigest()[:12]


@router.get("/{version}/{name}")
async def show_asset(version: str, name: str, if_none_match: Annotated[str, Header()] = "") -> Response:
    """Serve one file of the page; 404 for any name that the page does not have."""
    asset = _assets().get(name)
    if asset is None:
        raise MonitorProblem(404, "not_found", "Not found", "The page has no such file; load the page again.")
    headers = {
        "ETag": asset.etag,
        "Cache-Control": _IMMUTABLE if version == assets_version() else _REVALIDATE,
        "X-Content-Type-Options": "nosniff",
    }
    if asset.etag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)
