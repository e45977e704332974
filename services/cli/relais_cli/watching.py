"""Shows the same again and again until Ctrl-C: in place in a terminal, one after another elsewhere."""

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import Any

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from relais_cli.client import RefusedError, UnreachableError
from relais_cli.errors import CliError
from relais_cli.render import stdout

Read = Callable[[], Any]
View = Callable[[Any], RenderableType]


def watch(read: Read, view: View, *, every_s: float, as_json: bool) -> None:
    """Read and show every `every_s` seconds; Ctrl-C is the way to end it, and no failure.

    A service that goes away meanwhile is waited for, since that is when one watches; it must be there at first.

    Raises:
        CliError: the first reading failed, or a later one was refused.
    """
    with suppress(KeyboardInterrupt):
        first = read()
        if as_json:
            _repeat(first, read, _print_line, every_s)
        elif stdout().is_terminal:
            _in_place(first, read, view, every_s)
        else:
            _repeat(first, read, lambda found: stdout().print(Group(_picture(found, view), Text())), every_s)


def _repeat(first: Any, read: Read, show: Callable[[Any], None], every_s: float) -> None:
    show(first)
    while True:
        time.sleep(every_s)
        show(_read_again(read))


def _in_place(first: Any, read: Read, view: View, every_s: float) -> None:
    picture = _picture(first, view)
    ends = Text(f"every {every_s:g} s; Ctrl-C ends", style="dim")

    def framed(found: Any) -> RenderableType:
        nonlocal picture
        picture = _picture(found, view)
        return Group(Text(f"{datetime.now():%H:%M:%S}  ", style="bold").append_text(ends), Text(), picture)  # noqa: DTZ005 -- the clock of who watches

    try:
        with Live(framed(first), console=stdout(), screen=True, auto_refresh=False) as live:
            _repeat(first, read, lambda found: live.update(framed(found), refresh=True), every_s)
    finally:
        stdout().print(picture)  # what was seen last stays on the screen


def _picture(found: Any, view: View) -> RenderableType:
    return Text(f"relais: {found}", style="red") if isinstance(found, CliError) else view(found)


def _read_again(read: Read) -> Any:
    try:
        return read()
    except UnreachableError as error:
        return error
    except RefusedError as error:
        if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        return error


def _print_line(found: Any) -> None:
    line = {"error": str(found)} if isinstance(found, CliError) else found
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()
