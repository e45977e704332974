"""What `relais up` says when it is ready."""

import os
import shlex
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from relais.settings import default_home
from relais_cli.embedded.context import Run
from relais_cli.running import Running

_QUESTION = "How does Relais recover when a worker dies?"


def show_ready(run: Run, running: Running, token: str | None) -> None:
    """Show where everything is, how to ask, how to stop."""
    home = run.given.home.root
    chat = f"{running.api_url}/c/{token}" if token else None
    if run.steps.as_json:
        run.steps.tell_programs("ready", chat_url=chat, home=str(home), process=os.getpid(), **asdict(running))
        return
    rows = [
        *([("Chat page", chat)] if chat else []),
        ("API docs", f"{running.api_url}/docs"),
        ("Monitor", running.monitor_url),
        ("Metrics", f"{running.monitor_url}/metrics"),
        ("Logs", str(run.given.home.logs)),
    ]
    run.steps.box("Relais is ready", rows)
    if chat:
        run.steps.say("Ask it something in another terminal:")
        run.steps.show_command(f'{command(home)} ask "{_QUESTION}"')
    run.steps.say("Ctrl-C stops Relais.")


def command(home: Path) -> str:
    """How to call `relais` for this home from where this process was started."""
    program = Path(sys.argv[0]).absolute()
    on_path = shutil.which("relais")
    name = "relais" if on_path and Path(on_path).absolute() == program else _nearby(program)
    return name if home == default_home() else f"RELAIS_HOME={shlex.quote(str(home))} {name}"


def _nearby(program: Path) -> str:
    if program.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m relais_cli"
    folder = Path.cwd()
    return shlex.quote(str(program.relative_to(folder) if program.is_relative_to(folder) else program))
