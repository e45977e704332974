"""`python -m relais_worker.sweeper`: one sweeper process."""

import sys

from relais_worker.sweeper.main import run_sweeper

if __name__ == "__main__":
    sys.exit(run_sweeper())
