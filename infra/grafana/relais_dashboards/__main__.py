"""Writes the dashboards: `python -m relais_dashboards infra/grafana/dashboards`."""

import sys
from pathlib import Path

from relais_dashboards import DASHBOARDS
from relais_dashboards.layout import as_json


def main() -> None:
    """Write one file per dashboard into the folder that the command line names."""
    for dashboard in DASHBOARDS:
        (Path(sys.argv[1]) / f"{dashboard.uid}.json").write_text(as_json(dashboard))


if __name__ == "__main__":
    main()
