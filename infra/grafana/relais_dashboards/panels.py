"""What a panel shows, and how Grafana writes it.

Only the fields that differ from Grafana's defaults are written; it adds the others when it loads a dashboard.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from string import ascii_uppercase
from typing import Any, Final

Json = dict[str, Any]
SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
OUTCOME_COLOURS: Final = {"completed": "green", "failed": "red", "cancelled": "#8e8e8e"}


class Shape(StrEnum):
    """Grafana's name of a kind of panel."""

    STAT = "stat"
    LINES = "timeseries"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Query:
    """One expression and the name of its series; `empty_when` says when it rightly gives nothing."""

    expr: str
    legend: str = ""
    empty_when: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel: `limits` are the values from which it turns orange, then red; `wanted` is what is at least wanted."""

    title: str
    description: str
    queries: tuple[Query, ...]
    shape: Shape = Shape.LINES
    unit: str = "short"
    width: int = 8
    height: int = 8
    stacked: bool = False
    limits: tuple[float, ...] = ()
    wanted: float | None = None
    most: float | None = None
    colours: Mapping[str, str] = field(default_factory=dict)


def panel_json(panel: Panel, number: int, x: int, y: int) -> Json:
    """Write a panel at its place."""
    return {
        "id": number,
        "type": panel.shape,
        "title": panel.title,
        "description": _description(panel),
        "datasource": SOURCE,
        "gridPos": {"h": panel.height, "w": panel.width, "x": x, "y": y},
        "fieldConfig": {"defaults": _defaults(panel), "overrides": list(_overrides(panel))},
        "options": _OPTIONS[panel.shape],
        "targets": [
            _target(panel, query, letter) for query, letter in zip(panel.queries, ascii_uppercase, strict=False)
        ],
    }


_OPTIONS: Final[Mapping[Shape, Json]] = {
    Shape.STAT: {
        "colorMode": "value",
        "graphMode": "area",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    },
    Shape.LINES: {
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    Shape.TABLE: {"showHeader": True},
}


def _description(panel: Panel) -> str:
    empty = sorted({query.empty_when for query in panel.queries if query.empty_when})
    return " ".join([panel.description, *(f"Empty {reason}." for reason in empty)])


def _defaults(panel: Panel) -> Json:
    defaults: Json = {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": _steps(panel)}}
    if panel.most is not None:
        defaults["max"] = panel.most
    if panel.shape is Shape.LINES:
        defaults["color"] = {"mode": "palette-classic"}
        defaults["custom"] = _lines(panel)
    else:
        defaults["color"] = {"mode": "thresholds"}
    return defaults


def _steps(panel: Panel) -> list[Json]:
    if panel.wanted is not None:
        return [{"color": "red", "value": None}, {"color": "green", "value": panel.wanted}]
    colours = ("orange", "red") if len(panel.limits) > 1 else ("red",)
    steps = [{"color": colour, "value": limit} for colour, limit in zip(colours, panel.limits, strict=False)]
    return [{"color": "green", "value": None}, *steps]


def _lines(panel: Panel) -> Json:
    return {
        "drawStyle": "line",
        "fillOpacity": 30 if panel.stacked else 8,
        "lineWidth": 1,
        "showPoints": "never",
        "stacking": {"group": "A", "mode": "normal" if panel.stacked else "none"},
        "thresholdsStyle": {"mode": "line" if panel.limits else "off"},
    }


def _overrides(panel: Panel) -> Iterator[Json]:
    for name, colour in panel.colours.items():
        yield {
            "matcher": {"id": "byRegexp", "options": f"/{name}/"},
            "properties": [{"id": "color", "value": {"fixedColor": colour, "mode": "fixed"}}],
        }


def _target(panel: Panel, query: Query, letter: str) -> Json:
    at_once = panel.shape is Shape.TABLE
    return {
        "refId": letter,
        "datasource": SOURCE,
        "editorMode": "code",
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "format": "table" if at_once else "time_series",
        "instant": at_once,
        "range": not at_once,
    }
