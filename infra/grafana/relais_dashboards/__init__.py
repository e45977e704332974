"""Grafana's dashboards of Relais, as code: `make dashboards` writes infra/grafana/dashboards from it."""

from typing import Final

from relais_dashboards.layout import Dashboard
from relais_dashboards.models import MODELS
from relais_dashboards.overview import OVERVIEW
from relais_dashboards.reliability import RELIABILITY
from relais_dashboards.workers import WORKERS

DASHBOARDS: Final[tuple[Dashboard, ...]] = (OVERVIEW, WORKERS, MODELS, RELIABILITY)
