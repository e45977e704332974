"""`python -m relais_api` runs the API."""

from relais_api.main import main

main()
