"""The folder `RELAIS_HOME`: where each embedded part keeps its data, used by one process at a time."""

import fcntl
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from relais_cli.parts.errors import PartError


@dataclass(frozen=True, slots=True)
class Home:
    """The layout; nothing is made before `prepare`."""

    root: Path

    @property
    def postgres(self) -> Path:
        """Data and log of the embedded PostgreSQL."""
        return self.root / "postgres"

    @property
    def rabbitmq(self) -> Path:
        """Data, log and secrets of the private RabbitMQ node."""
        return self.root / "rabbitmq"

    @property
    def qdrant(self) -> Path:
        """The vectors of qdrant-client's local mode."""
        return self.root / "qdrant"

    @property
    def models(self) -> Path:
        """Log of the embedded model server."""
        return self.root / "models"

    @property
    def logs(self) -> Path:
        """Logs of the services that `relais up` starts as processes."""
        return self.root / "logs"

    @property
    def admin_key_file(self) -> Path:
        """The key that `relais up` makes for the command line; readable by its owner alone."""
        return self.root / "admin.key"

    def prepare(self) -> None:
        """Make the folders, closed to others.

        Raises:
            PartError: they can't be made or written.
        """
        try:
            for folder in (self.root, self.postgres, self.rabbitmq, self.qdrant, self.models, self.logs):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # As root, PostgreSQL's system user needs to pass through (`postgres_user` opens that); what was ever
            # opened wider is closed again.
            mode = stat.S_IMODE(self.root.stat().st_mode)
            self.root.chmod(mode & (0o711 if os.geteuid() == 0 else 0o700))
        except OSError as error:
            raise PartError(
                f"RELAIS_HOME {self.root} can't be used: {error.strerror}; set it to another folder"
            ) from error


class HomeLock:
    """Exclusive use of a home for as long as the `with` block runs; the kernel ends it with the process."""

    def __init__(self, home: Home) -> None:
        self._path = home.root / "lock"
        self._root = home.root
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            PartError: another process holds it; the message names its process id.
        """
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(self._descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._descriptor)
            raise PartError(
                f"relais already runs on {self._root} (process {owner}): stop it, or set RELAIS_HOME to another folder"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, str(os.getpid()).encode())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)
