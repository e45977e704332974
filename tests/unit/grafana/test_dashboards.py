"""The files that Grafana is given."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from relais_dashboards import DASHBOARDS
from relais_dashboards.layout import Dashboard, as_json
from relais_dashboards.promql import gained

INFRA = Path(__file__).parents[3] / "infra"
GRAFANA = INFRA / "grafana"
COLUMNS = 24


def _panels(dashboard: Dashboard) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads(as_json(dashboard))["panels"]
    return panels


def _cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
    place = panel["gridPos"]
    return set(
        itertools.product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"]))
    )


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_a_dashboard_is_what_the_code_says(dashboard: Dashboard) -> None:
    """What Grafana shows is what was reviewed; `make dashboards` writes the files anew."""
    assert (GRAFANA / "dashboards" / f"{dashboard.uid}.json").read_text() == as_json(dashboard)


def test_there_is_no_dashboard_that_the_code_does_not_know() -> None:
    """A file of a dashboard that is gone would stay in Grafana."""
    assert {path.stem for path in (GRAFANA / "dashboards").iterdir()} == {dashboard.uid for dashboard in DASHBOARDS}


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_panels_stand_side_by_side(dashboard: Dashboard) -> None:
    """None covers another or leaves the page, and each has a number of its own."""
    panels = _panels(dashboard)
    cells = [cell for panel in panels for cell in _cells(panel)]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < COLUMNS
    assert len({panel["id"] for panel in panels}) == len(panels)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_every_panel_says_what_it_shows(dashboard: Dashboard) -> None:
    """Who is called at night needs no explanation; an empty panel says when it is rightly empty."""
    for panel in dashboard.panels:
        assert panel.title
        assert panel.description.endswith((".", ";"))
        assert panel.queries
        assert len(panel.queries) == 1 or all(query.legend for query in panel.queries)


def test_what_was_gained_is_tested_by_promtool() -> None:
    """The expression that is tested is the one that the panels ask."""
    tests = yaml.safe_load((INFRA / "prometheus" / "tests" / "dashboards.yml").read_text())["tests"]
    asked = {case["expr"] for test in tests for case in test["promql_expr_test"]}
    wanted = gained("kind, reason", "relais_job_failures_total", "1h")
    assert asked == {wanted}
    shown = {query.expr for dashboard in DASHBOARDS for panel in dashboard.panels for query in panel.queries}
    assert any(wanted in expr for expr in shown)


def test_the_source_and_the_files_are_where_grafana_looks() -> None:
    """The data source is the Prometheus of docker-compose.yml, at its scrape interval; the folders are mounted."""
    (source,) = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "relais.yml").read_text())["providers"]
    services = yaml.safe_load((INFRA.parent / "docker-compose.yml").read_text())["services"]
    scraping = yaml.safe_load((INFRA / "prometheus" / "prometheus.yml").read_text())["global"]["scrape_interval"]
    assert source["url"] == "http://prometheus:9090"
    assert source["jsonData"]["timeInterval"] == scraping
    assert set(services["grafana"]["volumes"]) >= {
        "./infra/grafana/provisioning:/etc/grafana/provisioning:ro",
        f"./infra/grafana/dashboards:{provider['options']['path']}:ro",
    }
