"""Cursors: opaque marks of where the next page begins."""

import base64
import binascii
import json
from typing import Any

from fastapi.exceptions import RequestValidationError

_BIGGEST = 2**63  # PostgreSQL's bigint


def encode_cursor(*keys: str | int) -> str:
    """Pack the sort keys of the last row of a page."""
    return base64.urlsafe_b64encode(json.dumps(keys).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *types: type[Any]) -> tuple[Any, ...]:
    """Unpack a cursor made of values of these types.

    Raises:
        RequestValidationError: it wasn't made by `encode_cursor` for the same kind of page.
    """
    try:
        keys = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, UnicodeError, ValueError):
        keys = None
    if not isinstance(keys, list) or [type(key) for key in keys] != list(types) or not all(map(_bindable, keys)):
        message = "is not a cursor of this list; take `next_cursor` from the page before"
        raise RequestValidationError([{"loc": ("query", "cursor"), "type": "cursor", "msg": message}])
    return tuple(keys)


def _bindable(key: str | int) -> bool:
    return "\0" not in key if isinstance(key, str) else 0 <= key < _BIGGEST
