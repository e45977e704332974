"""`python -m relais_monitor` runs the monitor."""

from relais_monitor.main import main

main()
