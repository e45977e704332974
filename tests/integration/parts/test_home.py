"""The folder of the embedded parts."""

import os
from pathlib import Path

import pytest

from relais_cli.parts.errors import PartError
from relais_cli.parts.home import Home, HomeLock


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A prepared home."""
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def test_a_second_start_on_the_same_home_is_refused(home: Home) -> None:
    """The line names the process that runs there."""
    with HomeLock(home), pytest.raises(PartError, match=f"process {os.getpid()}"), HomeLock(home):
        pass


def test_the_lock_ends_with_its_block(home: Home) -> None:
    """After a stop the next start finds the home free."""
    with HomeLock(home):
        pass
    with HomeLock(home):
        pass


def test_the_folders_are_closed_to_others(home: Home) -> None:
    """Nobody else can list or read what the parts keep; root's home lets its PostgreSQL user pass through at most."""
    (home.root).chmod(0o755)
    home.prepare()
    assert home.root.stat().st_mode & 0o066 == 0
    assert {folder.stat().st_mode & 0o777 for folder in home.root.iterdir()} == {0o700}


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """The error is one line that names the folder and the variable to set."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PartError, match=r"RELAIS_HOME .*file/home can't be used"):
        Home(tmp_path / "file" / "home").prepare()
