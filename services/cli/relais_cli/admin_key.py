"""The administrator's key: from the settings, or from the file that `relais up` makes in its home."""

import secrets
from pathlib import Path

from pydantic import SecretStr

from relais_cli.errors import CliError
from relais_cli.parts.home import Home

_KEY_BYTES = 32


def choose_admin_key(home: Home, given: SecretStr | None) -> str:
    """Choose the key that the API shall accept: the one that is set, else that of the file, else a new one."""
    return given.get_secret_value() if given else _read(home.admin_key_file) or _new_key()


def keep_admin_key(home: Home, key: str) -> None:
    """Write the key to the file, readable by its owner alone, for the other commands."""
    path = home.admin_key_file
    if _read(path) != key:
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(key + "\n")


def find_admin_key(home: Home, given: SecretStr | None) -> str | None:
    """Give the key for requests; None when there is none.

    Raises:
        CliError: there is a file, but we may not read it.
    """
    return given.get_secret_value() if given else _read(home.admin_key_file)


def _new_key() -> str:
    return "rk_" + secrets.token_urlsafe(_KEY_BYTES)


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise CliError(f"{path} belongs to another user: run as that user, or set RELAIS_ADMIN_KEY") from None
