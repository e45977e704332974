"""The administrator's key: from the settings, or from the file that `relais up` makes in its home."""

import secrets
from pathlib import Path

from pydantic import SecretStr

from relais_cli.errors import CliError
from relais_cli.parts.home import Home

_KEY_BYTES = 32


def ensure_admin_key(home: Home, given: SecretStr | None) -> str:
    """Give the key that the API shall accept; made at the first call, readable by its owner alone.

    A given key is written to the file too, so that the other commands find it.
    """
    path = home.admin_key_file
    key = given.get_secret_value() if given else _read(path) or "rk_" + secrets.token_urlsafe(_KEY_BYTES)
    if _read(path) != key:
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(key + "\n")
    return key


def find_admin_key(home: Home, given: SecretStr | None) -> str | None:
    """Give the key for requests; None when there is none.

    Raises:
        CliError: there is a file, but we may not read it.
    """
    return given.get_secret_value() if given else _read(home.admin_key_file)


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise CliError(f"{path} belongs to another user: run as that user, or set RELAIS_ADMIN_KEY") from None
