"""Why an embedded part could not run, in a sentence for the person at the terminal."""


class PartError(Exception):
    """An embedded part can't be started; the message is one line and says what to do."""
