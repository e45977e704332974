"""What `relais up` tells while it works: a spinner in a terminal, plain lines in a file, JSON for programs."""

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from relais_cli.render import stdout


@dataclass
class Note:
    """What a step adds to its line."""

    text: str = ""


@dataclass(frozen=True)
class Steps:
    """Tells about steps; a terminal that went away stops nobody."""

    as_json: bool = False
    console: Console = field(default_factory=stdout)

    @contextmanager
    def step(self, name: str, doing: str) -> Iterator[Note]:
        """Show that `doing` is under way, then that `name` is there, with the note that the block wrote."""
        note, began = Note(), time.monotonic()
        waiting = self.console.status(f"{doing}…") if self._is_live else contextlib.nullcontext()
        with waiting:
            yield note
        self._done(name, note.text, time.monotonic() - began)

    def say(self, text: str, *, event: str = "note") -> None:
        """Tell one thing."""
        if self.as_json:
            self._write_json(event=event, text=text)
        else:
            self._print(text)

    def box(self, title: str, rows: Sequence[tuple[str, str]]) -> None:
        """Show what a person needs to know next."""
        if self._is_live:
            table = Table.grid(padding=(0, 2, 0, 0))
            for row in rows:
                table.add_row(*row)
            self._print(Panel(table, title=title, title_align="left", expand=False))
        else:
            self.say("\n".join([f"{title}:", *(f"  {name:<11}{value}" for name, value in rows)]))

    def show_command(self, command: str) -> None:
        """Show a command to copy; no line break comes between its words."""
        if not self.as_json:
            self._print(f"  {command}", verbatim=True)

    def tell_programs(self, event: str, **fields: object) -> None:
        """Tell what only programs need; with people it says nothing."""
        if self.as_json:
            self._write_json(event=event, **fields)

    @property
    def _is_live(self) -> bool:
        return self.console.is_terminal and not self.as_json

    def _done(self, name: str, note: str, took_s: float) -> None:
        if self.as_json:
            self._write_json(event="step", step=name, note=note, seconds=round(took_s, 3))
            return
        mark = "✓ " if self._is_live else ""
        self._print(f"{mark}{name:<16}{note or 'ready'} ({took_s:.1f} s)")

    def _write_json(self, **fields: object) -> None:
        self._print(json.dumps(fields, ensure_ascii=False))

    def _print(self, what: object, *, verbatim: bool = False) -> None:
        with contextlib.suppress(OSError):
            self.console.print(what, soft_wrap=verbatim or not self._is_live)
