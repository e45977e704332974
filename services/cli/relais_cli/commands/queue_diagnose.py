"""`relais queue diagnose`."""

from typing import Any

import typer

from relais.settings import load_settings
from relais_cli.client import operating
from relais_cli.commands.options import EVERY_S, Interval, Json, Watch
from relais_cli.render import print_json, stdout
from relais_cli.settings import ClientSettings
from relais_cli.views.findings import diagnosis_view
from relais_cli.watching import watch as keep_watching


def diagnose(*, as_json: Json = False, watch: Watch = False, interval: Interval = EVERY_S) -> None:
    """Find what is wrong, and what to do. The exit status is 1 when something is wrong."""
    with operating(load_settings(ClientSettings)) as client:

        def read() -> Any:
            return client.get("/api/diagnosis")

        if watch:
            keep_watching(read, diagnosis_view, every_s=interval, as_json=as_json)
            return
        diagnosis = read()
    if as_json:
        print_json(diagnosis)
    else:
        stdout().print(diagnosis_view(diagnosis))
    if not diagnosis["healthy"]:
        raise typer.Exit(1)
