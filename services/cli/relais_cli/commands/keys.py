"""`relais keys`: operators' keys, made and revoked directly in the database."""

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from relais.settings import load_settings
from relais_cli.commands.options import Json
from relais_cli.errors import CliError
from relais_cli.render import print_json, print_table, stderr, stdout
from relais_cli.settings import StoreSettings

KeyName = Annotated[str, typer.Argument(metavar="NAME", help="Who or what uses the key.")]

_SCOPES = (
    "read: look; ops: retry, cancel, pause too; admin: everything. Each sees ids of messages, and whoever has the id "
    "of a message can read, cancel and retry it at its public address, which the audit doesn't record."
)


class ScopeName(StrEnum):
    """What a key is good for."""

    ADMIN = "admin"
    OPS = "ops"
    READ = "read"


def make_keys() -> typer.Typer:
    """Put the subcommands together."""
    keys = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make, list, revoke operators' keys.")
    for name, command in (("add", add), ("list", list_), ("revoke", revoke)):
        keys.command(name)(command)
    return keys


def add(
    name: KeyName,
    *,
    scope: Annotated[ScopeName, typer.Option(help=_SCOPES)],
    as_json: Json = False,
) -> None:
    """Make a key; it is shown this once, the database keeps its hash."""
    if not name.strip():
        raise typer.BadParameter("is empty", param_hint="NAME")
    from relais_cli.key_register import make_key  # noqa: PLC0415 -- loads SQLAlchemy: slow

    key = make_key(load_settings(StoreSettings), name, scope.value)
    if key is None:
        raise CliError(f"there is a key named {name!r} already: choose another name, or revoke that one")
    if as_json:
        print_json({"name": name, "scope": scope, "key": key})
        return
    stdout().print(key, soft_wrap=True)
    stderr().print("Keep it safe: it can't be shown again.")


def list_(*, as_json: Json = False) -> None:
    """List all keys, without their secrets."""
    from relais_cli.key_register import read_keys  # noqa: PLC0415 -- loads SQLAlchemy: slow

    keys = read_keys(load_settings(StoreSettings))
    if as_json:
        print_json([asdict(key) for key in keys])
        return
    rows = [
        (key.name, key.scope, f"{key.created_at:%Y-%m-%d %H:%M}", "revoked" if key.revoked_at else "valid")
        for key in keys
    ]
    print_table(["Name", "Scope", "Made", "State"], rows)


def revoke(name: KeyName, *, as_json: Json = False) -> None:
    """Make a key worthless from now on."""
    from relais_cli.key_register import end_key  # noqa: PLC0415 -- loads SQLAlchemy: slow

    if not end_key(load_settings(StoreSettings), name):
        raise CliError(f"there is no valid key named {name!r}: `relais keys list` shows all")
    if as_json:
        print_json({"name": name, "revoked": True})
    else:
        stdout().print(f"Revoked the key {name}.")
