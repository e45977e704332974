"""Where a server puts its Unix socket, whose path may have about 100 bytes only."""

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path

from relais_cli.parts.errors import PartError
from relais_cli.parts.process import SystemUser

_LONGEST_PATH = 100  # the kernel allows 107 bytes


def socket_folder(data: Path, socket_name: str) -> Path:
    """The data folder itself; a folder among the temporary files where its path is too long."""
    if len(os.fsencode(data / socket_name)) <= _LONGEST_PATH:
        return data
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"relais-pg-{digest}"


def make_socket_folder(folder: Path, user: SystemUser) -> None:
    """Make it, closed to everybody but the server's user.

    Raises:
        PartError: somebody else made it first; through their folder they would be the server for us.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.lstat()
    owners = {os.geteuid(), os.geteuid() if user.uid is None else user.uid}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
        raise PartError(f"{folder} belongs to somebody else: remove it, or set RELAIS_HOME to a shorter path")
    folder.chmod(0o700)
    if user.uid is not None and user.gid is not None:
        os.chown(folder, user.uid, user.gid)


def remove_socket_folder(folder: Path, data: Path) -> None:
    """Remove it after the server ended, unless it is the data folder."""
    if folder != data:
        with contextlib.suppress(OSError):
            folder.rmdir()
