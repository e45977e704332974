"""`relais queue status`."""

from typing import Any

from rich.console import RenderableType
from rich.text import Text

from relais.settings import load_settings
from relais_cli.client import connected, monitor_address
from relais_cli.commands.options import EVERY_S, Interval, Json, Watch
from relais_cli.errors import CliError
from relais_cli.render import print_json, stdout
from relais_cli.settings import ClientSettings
from relais_cli.views.figures import figures_view
from relais_cli.watching import watch as keep_watching

_AWAY = "the monitor can't reach the database: start it, or correct the monitor's RELAIS_DATABASE_URL"


def status(*, as_json: Json = False, watch: Watch = False, interval: Interval = EVERY_S) -> None:
    """Show what waits, runs and failed, how long it takes, who works."""
    with connected(monitor_address(load_settings(ClientSettings))) as client:

        def read() -> Any:
            return client.get("/api/stats")

        if watch:
            keep_watching(read, _view, every_s=interval, as_json=as_json)
            return
        report = read()
    if as_json:
        print_json(report)
    if report["figures"] is None:
        raise CliError(_AWAY)
    if not as_json:
        stdout().print(figures_view(report["figures"]))


def _view(report: dict[str, Any]) -> RenderableType:
    return Text(_AWAY, style="red") if report["figures"] is None else figures_view(report["figures"])
