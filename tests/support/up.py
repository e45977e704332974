"""`relais up` as a real process in a home of its own, and the other commands beside it."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from relais_cli.app import main
from relais_cli.parts.ports import free_port
from support.servers import short_folder
from support.waiting import wait_until

READY_S = 60.0  # what the quickstart promises
_END_S = 45.0


@dataclass(frozen=True)
class Ended:
    """A command that ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed for programs."""
        return json.loads(self.out)

    def check(self) -> "Ended":
        """Assert that it did what it was asked to."""
        assert self.status == 0, self.err
        return self


def call_relais(arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> Ended:
    """Run a command to its end within this process, which saves the start of an interpreter."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err), chdir(folder), pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - set(environment):
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["relais", *arguments])
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
    return Ended(status, out.getvalue(), err.getvalue())


@dataclass
class RelaisUp:
    """One home; `start` may be called again after the process has ended."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    popen: subprocess.Popen[bytes] | None = None
    family: list[psutil.Process] = field(default_factory=list)
    free_port: str = field(default_factory=lambda: str(free_port()))

    @property
    def home(self) -> Path:
        return Path(self.settings.get("RELAIS_HOME", self.folder / "home"))

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RELAIS_")}
        # Never the default ports: another test, or a Relais of the person who runs the tests, may have them.
        ports = {"RELAIS_API_PORT": self.free_port, "RELAIS_MONITOR_PORT": "0"}
        return inherited | {"RELAIS_HOME": str(self.home), **ports, **self.settings}

    def launch(self, *options: str) -> None:
        """Start `relais up`, without waiting."""
        with (self.folder / "up.out").open("wb") as out, (self.folder / "up.err").open("wb") as err:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "relais_cli", "up", "--json", "--port", "0", *options],
                env=self.environment,
                cwd=self.folder,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def start(self, *options: str) -> dict[str, Any]:
        """Start `relais up` and wait until it says that it is ready; what it says then."""
        self.launch(*options)
        wait_until(lambda: self.ready or self.has_ended, READY_S, "relais up is ready")
        assert self.ready, self.told
        self.note_family()
        return self.ready

    def note_family(self) -> None:
        """Remember the children that there are now."""
        self.family = psutil.Process(self.popen.pid).children(recursive=True)

    def make_agent(self, slug: str) -> str:
        """Create an agent that answers without documents; its token."""
        models = ("--chat-model", "extractive", "--embedding-model", "lexical")
        more = ("--set", "allow_ungrounded=true", "--set", "retry_backoff_s=0")
        return str(self.call("agents", "create", slug, *models, *more, "--json").check().json["token"])

    def post(self, token: str, content: str) -> str:
        """Post a message; its id."""
        reply = httpx.post(f"{self.url}/c/{token}/message", json={"content": content}, timeout=10)
        assert reply.status_code == 202, reply.text
        return str(reply.json()["message_id"])

    def status(self, message_id: str) -> dict[str, Any]:
        """A message's status body."""
        return httpx.get(f"{self.url}/api/messages/{message_id}/status", timeout=10).json()

    def call(self, *arguments: str, **settings: str) -> Ended:
        """Run another command to its end within this process, which saves the start of an interpreter."""
        return call_relais(arguments, self.environment | settings, self.folder)

    def await_queue_status(self, words: str) -> str:
        """What `relais queue status` says, once it has these words: the monitor shares a reading for a second."""

        def shown() -> str:
            out = self.call("queue", "status").check().out
            return out if words in out else ""

        return wait_until(shown, 10, words)

    def run(self, *arguments: str, **settings: str) -> Ended:
        """Run another command to its end as a process."""
        done = subprocess.run(
            [sys.executable, "-m", "relais_cli", *arguments],
            env=self.environment | settings,
            cwd=self.folder,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start another command, without waiting."""
        return subprocess.Popen(
            [sys.executable, "-m", "relais_cli", *arguments],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def interrupt(self) -> None:
        """Press Ctrl-C: the whole foreground group gets the signal."""
        os.killpg(self.popen.pid, signal.SIGINT)

    def stop(self) -> int:
        """Press Ctrl-C and wait; the exit status."""
        self.interrupt()
        return self.wait()

    def kill(self) -> None:
        """SIGKILL to the process itself; its children have to notice."""
        self.popen.kill()
        self.wait()

    def wait(self) -> int:
        return self.popen.wait(_END_S)

    @property
    def has_ended(self) -> bool:
        return self.popen is not None and self.popen.poll() is not None

    @property
    def events(self) -> list[dict[str, Any]]:
        """What `up --json` said so far."""
        lines = (self.folder / "up.out").read_text().splitlines()
        return [json.loads(line) for line in lines if line.endswith("}")]

    @property
    def event_names(self) -> list[str]:
        return [event["event"] for event in self.events]

    @property
    def ready(self) -> dict[str, Any] | None:
        return next((event for event in self.events if event["event"] == "ready"), None)

    @property
    def url(self) -> str:
        """The address of its API."""
        return str(self.ready["api_url"])

    @property
    def told(self) -> str:
        """Everything it wrote, for people."""
        return (self.folder / "up.out").read_text() + (self.folder / "up.err").read_text()

    @property
    def left_behind(self) -> list[psutil.Process]:
        """Those of the processes it had started that still run."""
        return [process for process in self.family if _lives(process)]


@contextmanager
def relais_home(**settings: str) -> Iterator[RelaisUp]:
    """A home of its own; whatever runs on it at the end is ended."""
    with short_folder("up") as folder:
        up = RelaisUp(folder, settings)
        try:
            yield up
        finally:
            if up.popen is not None and not up.has_ended:
                up.kill()
            wait_until(lambda: not up.left_behind, _END_S, "every child has ended")


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
