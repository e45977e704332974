"""Options that several commands share."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Watch = Annotated[bool, typer.Option("--watch", help="Show it again and again, until Ctrl-C.")]
Interval = Annotated[float, typer.Option(min=0.2, max=3_600, metavar="SECONDS", help="With --watch: how often.")]
EVERY_S = 2.0
