"""Operators' keys, stored as hashes."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from relais.store.schema import api_keys

Scope = Literal["admin", "ops", "read"]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret, which only its owner has."""

    id: UUID
    name: str
    scope: Scope
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Whose key it is, and how far it reaches."""

    name: str
    scope: Scope


_SHOWN = (api_keys.c.id, api_keys.c.name, api_keys.c.scope, api_keys.c.created_at, api_keys.c.revoked_at)


_ADD = insert(api_keys).on_conflict_do_nothing(index_elements=["name"]).returning(api_keys.c.id)
_HOLDER_OF = select(api_keys.c.name, api_keys.c.scope).where(
    api_keys.c.key_sha256 == bindparam("key_sha256"), api_keys.c.revoked_at.is_(None)
)
_ALL = select(*_SHOWN).order_by(api_keys.c.created_at, api_keys.c.name)
_REVOKE = (
    update(api_keys)
    .where(api_keys.c.name == bindparam("of_name"), api_keys.c.revoked_at.is_(None))
    .values(revoked_at=func.now())
)


def hash_key(key: str) -> bytes:
    """SHA-256 of a key; enough without salt or stretching, because a key holds 256 random bits."""
    return hashlib.sha256(key.encode()).digest()


def add_api_key(conn: Connection, *, name: str, scope: Scope) -> str | None:
    """Make a key and store its hash; return the key, which can't be read again, or None when the name is taken."""
    key = "rk_" + secrets.token_urlsafe(32)
    row = {"id": uuid4(), "name": name, "scope": scope, "key_sha256": hash_key(key)}
    return key if conn.execute(_ADD, row).one_or_none() else None


def find_holder(conn: Connection, key_sha256: bytes) -> KeyHolder | None:
    """Find out whose a key is that was not revoked; None for an unknown key."""
    row = conn.execute(_HOLDER_OF, {"key_sha256": key_sha256}).one_or_none()
    return None if row is None else KeyHolder(row.name, row.scope)


def list_api_keys(conn: Connection) -> list[ApiKey]:
    """List all keys, revoked ones too, oldest first."""
    return [ApiKey(*row) for row in conn.execute(_ALL)]


def revoke_api_key(conn: Connection, name: str) -> bool:
    """Make a key worthless from now on; False when there is no such key or it was revoked before."""
    return conn.execute(_REVOKE, {"of_name": name}).rowcount > 0
