"""What a command can fail with, in words for the person at the terminal."""


class CliError(Exception):
    """A command failed for a reason that its user can act on; further lines only list details."""
