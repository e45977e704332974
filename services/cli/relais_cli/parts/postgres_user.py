"""The system user that runs the embedded PostgreSQL when we are root, since PostgreSQL refuses to be root."""

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from relais_cli.parts.errors import PartError
from relais_cli.parts.process import AS_WE_ARE, SystemUser

NAME = "relais-postgres"


def postgres_user(programs: Path, data: Path) -> SystemUser:
    """Whom to run as; for root, a system user who is let through to the programs and owns the data folder.

    Raises:
        PartError: the user can't be created.
    """
    if os.geteuid() != 0:
        return AS_WE_ARE
    entry = _find_or_create()
    _let_search(programs)
    _let_search(data)
    if not (programs / "bin" / "postgres").stat().st_mode & stat.S_IXOTH:  # installed under a umask like 077
        _let_read(programs)
    os.chown(data, entry.pw_uid, entry.pw_gid)
    return SystemUser(entry.pw_uid, entry.pw_gid)


def _find_or_create() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        _create()
        return pwd.getpwnam(NAME)


def _create() -> None:
    useradd = shutil.which("useradd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if useradd is None:
        raise PartError("PostgreSQL can't run as root and there is no `useradd`: run relais as another user")
    result = subprocess.run(
        [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME],
        check=False,
        capture_output=True,
        text=True,
    )
    already_there = 9  # somebody else was faster
    if result.returncode not in (0, already_there):
        raise PartError(f"PostgreSQL can't run as root and `useradd {NAME}` failed: {result.stderr.strip()}")


def _let_search(path: Path) -> None:
    """Let others pass through the folders above `path`; pass only, they still can't list them."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _let_read(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))
