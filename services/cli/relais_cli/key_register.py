"""Operators' keys in the database of the settings, one transaction per call."""

from relais.store.api_keys import ApiKey, Scope, add_api_key, list_api_keys, revoke_api_key
from relais_cli.database import transaction
from relais_cli.settings import StoreSettings


def make_key(settings: StoreSettings, name: str, scope: Scope) -> str | None:
    """Make a key; the key itself, None when the name is taken."""
    with transaction(settings) as conn:
        return add_api_key(conn, name=name, scope=scope)


def read_keys(settings: StoreSettings) -> list[ApiKey]:
    """List all keys."""
    with transaction(settings) as conn:
        return list_api_keys(conn)


def end_key(settings: StoreSettings, name: str) -> bool:
    """Revoke a key; False when there is no valid one of that name."""
    with transaction(settings) as conn:
        return revoke_api_key(conn, name)
