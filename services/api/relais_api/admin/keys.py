"""Lets operators in by their keys, as far as their scope reaches."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from relais.store.api_keys import Scope, find_scope, hash_key
from relais_api.http.problems import Forbidden, Unauthorized
from relais_api.parts import Parts, PartsOf

_REACH: Final[dict[Scope, int]] = {"read": 1, "ops": 2, "admin": 3}  # each scope includes those before it
_bearer: Final = HTTPBearer(auto_error=False, scheme_name="Operator key")

Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


def _requires(needed: Scope) -> Callable[..., Awaitable[None]]:
    async def check(credentials: Credentials, parts: PartsOf) -> None:
        scope = await _scope_of(credentials, parts)
        if _REACH[scope] < _REACH[needed]:
            challenge = f'Bearer realm="relais", error="insufficient_scope", scope="{needed}"'
            raise Forbidden(
                f"This needs a key of scope {needed}; the key sent has scope {scope}.",
                headers={"WWW-Authenticate": challenge},
                needed_scope=needed,
            )

    return check


async def _scope_of(credentials: HTTPAuthorizationCredentials | None, parts: Parts) -> Scope:
    if credentials is None or not credentials.credentials:
        raise Unauthorized(
            "Send an operator's key in the header `Authorization: Bearer <key>`.",
            headers={"WWW-Authenticate": 'Bearer realm="relais"'},
        )
    sent = hash_key(credentials.credentials)
    if parts.admin_key_sha256 is not None and hmac.compare_digest(sent, parts.admin_key_sha256):
        return "admin"
    scope = await parts.database.read(find_scope, sent)
    if scope is None:
        raise Unauthorized(
            "The key is unknown or was revoked; ask an administrator for another.",
            headers={"WWW-Authenticate": 'Bearer realm="relais", error="invalid_token"'},
        )
    return scope


NEEDS_READ: Final[Any] = Depends(_requires("read"))
NEEDS_OPS: Final[Any] = Depends(_requires("ops"))
NEEDS_ADMIN: Final[Any] = Depends(_requires("admin"))
