"""A page's scripts and styles, served under a version made of their contents."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

# The version is in the path, so that a module's relative imports name the same version as the page did.
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_REVALIDATE: Final = "no-cache"  # an old page after an upgrade: it gets the newest files, but must not keep them
_MEDIA_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, its media type and its entity tag."""

    content: bytes
    media_type: str
    etag: str

    def headers(self, *, newest: bool) -> dict[str, str]:
        """The headers of its response; `newest` says whether it was asked for under the version that is served."""
        return {
            "ETag": self.etag,
            "Cache-Control": _IMMUTABLE if newest else _REVALIDATE,
            "X-Content-Type-Options": "nosniff",
        }


@dataclass(frozen=True, slots=True)
class Assets:
    """All files of a page by their names; `version` changes when any of them does."""

    by_name: Mapping[str, Asset]
    version: str


def load_assets(package: str) -> Assets:
    """Read the scripts, styles and pictures in the folder `assets` of a package.

    Raises:
        ModuleNotFoundError: there is no such package.
        FileNotFoundError: it has no such folder.
    """
    folder = resources.files(package) / "assets"
    by_name = {file.name: _load(file.name, file.read_bytes()) for file in folder.iterdir() if _media_type(file.name)}
    digest = hashlib.sha256()
    for name, asset in sorted(by_name.items()):
        digest.update(f"{name} {asset.etag}\n".encode())
    return Assets(by_name, digest.hexdigest()[:12])


def _load(name: str, content: bytes) -> Asset:
    return Asset(content, _media_type(name), f'"{hashlib.sha256(content).hexdigest()[:20]}"')


def _media_type(name: str) -> str:
    return _MEDIA_TYPES.get(name[name.rfind(".") :], "")
