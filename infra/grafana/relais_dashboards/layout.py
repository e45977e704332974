"""Puts panels side by side into sections, and sections into a dashboard."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from relais_dashboards.panels import Json, Panel, panel_json

_COLUMNS: Final = 24
# Of dashboards that Grafana 11 and 12 read without converting them.
_SCHEMA_VERSION: Final = 39


@dataclass(frozen=True, slots=True)
class Section:
    """Panels under a heading, from left to right and then below."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of sections; `uid` is part of its address."""

    uid: str
    title: str
    description: str
    sections: tuple[Section, ...]
    since: str = "now-1h"

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels of all sections."""
        return tuple(panel for section in self.sections for panel in section.panels)


def as_json(dashboard: Dashboard) -> str:
    """Write a dashboard as Grafana reads it from a file."""
    written = {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": ["relais"],
        "editable": False,
        "graphTooltip": 1,  # the same moment is marked in all panels
        "refresh": "10s",
        "schemaVersion": _SCHEMA_VERSION,
        "time": {"from": dashboard.since, "to": "now"},
        "links": [_OTHERS],
        "templating": {"list": [_SOURCES]},
        "panels": list(_panels(dashboard)),
    }
    return json.dumps(written, indent=2) + "\n"


_OTHERS: Final[Json] = {
    "type": "dashboards",
    "title": "Relais",
    "tags": ["relais"],
    "asDropdown": False,
    "includeVars": True,
    "keepTime": True,
}
_SOURCES: Final[Json] = {
    "type": "datasource",
    "name": "source",
    "label": "Prometheus",
    "query": "prometheus",
    "current": {},
}


def _panels(dashboard: Dashboard) -> Iterator[Json]:
    number, y = 1, 0
    for section in dashboard.sections:
        yield _heading(section.title, number, y)
        number, x, y, tallest = number + 1, 0, y + 1, 0
        for panel in section.panels:
            if x + panel.width > _COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            yield panel_json(panel, number, x, y)
            number, x, tallest = number + 1, x + panel.width, max(tallest, panel.height)
        y += tallest


def _heading(title: str, number: int, y: int) -> Json:
    place = {"h": 1, "w": _COLUMNS, "x": 0, "y": y}
    return {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}
