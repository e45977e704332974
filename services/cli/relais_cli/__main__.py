"""The entry of `relais`, and of `python -m relais_cli`."""

import sys


def main() -> None:
    """Run the command. Ctrl-C ends it in peace also while its modules are loaded, which takes a second."""
    try:
        from relais_cli.app import main as run  # noqa: PLC0415 -- see above
    except KeyboardInterrupt:
        sys.exit("relais: interrupted")
    run()


if __name__ == "__main__":
    main()
