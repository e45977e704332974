"""`python -m relais_models`."""

import sys

from relais_models.main import main

if __name__ == "__main__":
    sys.exit(main())
