"""`python -m relais_worker`: one worker process."""

import sys

from relais_worker.main import run_worker

if __name__ == "__main__":
    sys.exit(run_worker())
