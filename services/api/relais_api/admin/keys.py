"""Lets operators in by their keys, as far as their scope reaches."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from relais.store.api_keys import KeyHolder, Scope, find_holder, hash_key
from relais_api.http.problems import Forbidden, Unauthorized
from relais_api.parts import Parts, PartsOf

_REACH: Final[dict[Scope, int]] = {"read": 1, "ops": 2, "admin": 3}  # each scope includes those before it
_OF_THE_SETTINGS: Final = KeyHolder("RELAIS_ADMIN_KEY", "admin")
_bearer: Final = HTTPBearer(auto_error=False, scheme_name="Operator key")

Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


def reaches(holder: KeyHolder, needed: Scope) -> bool:
    """Tell whether a key's scope includes another one."""
    return _REACH[holder.scope] >= _REACH[needed]


def _requires(needed: Scope) -> Callable[..., Awaitable[KeyHolder]]:
    async def check(credentials: Credentials, parts: PartsOf) -> KeyHolder:
        holder = await _holder_of(credentials, parts)
        if not reaches(holder, needed):
            challenge = f'Bearer realm="relais", error="insufficient_scope", scope="{needed}"'
            raise Forbidden(
                f"This needs a key of scope {needed}; the key sent has scope {holder.scope}.",
                headers={"WWW-Authenticate": challenge},
                needed_scope=needed,
            )
        return holder

    return check


async def _holder_of(credentials: HTTPAuthorizationCredentials | None, parts: Parts) -> KeyHolder:
    if credentials is None or not credentials.credentials:
        raise Unauthorized(
            "Send an operator's key in the header `Authorization: Bearer <key>`.",
            headers={"WWW-Authenticate": 'Bearer realm="relais"'},
        )
    sent = hash_key(credentials.credentials)
    if parts.admin_key_sha256 is not None and hmac.compare_digest(sent, parts.admin_key_sha256):
        return _OF_THE_SETTINGS
    holder = await parts.database.read(find_holder, sent)
    if holder is None:
        raise Unauthorized(
            "The key is unknown or was revoked; ask an administrator for another.",
            headers={"WWW-Authenticate": 'Bearer realm="relais", error="invalid_token"'},
        )
    return holder


NEEDS_READ: Final[Any] = Depends(_requires("read"))
NEEDS_OPS: Final[Any] = Depends(_requires("ops"))
NEEDS_ADMIN: Final[Any] = Depends(_requires("admin"))
# The same for routes that need to know who it is.
Reader = Annotated[KeyHolder, NEEDS_READ]
Operator = Annotated[KeyHolder, NEEDS_OPS]
Administrator = Annotated[KeyHolder, NEEDS_ADMIN]
