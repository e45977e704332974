"""`python -m relais_cli` is `relais`."""

from relais_cli.app import main

if __name__ == "__main__":
    main()
