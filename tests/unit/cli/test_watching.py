"""Looking again and again: through an outage, until Ctrl-C."""

import json
from collections.abc import Callable, Iterator

import pytest
from rich.text import Text

from relais_cli.client import RefusedError, UnreachableError
from relais_cli.watching import watch

AWAY = UnreachableError("nobody is there")
OVERLOADED = RefusedError("come back later", status=503, code="overloaded", retry_after_s=1)
FORBIDDEN = RefusedError("your key was revoked", status=401, code="unauthorized", retry_after_s=None)


def _reads(*found: object) -> Callable[[], object]:
    """Give one after another, raising what is an error; then somebody presses Ctrl-C."""
    waiting: Iterator[object] = iter([*found, KeyboardInterrupt()])

    def read() -> object:
        one = next(waiting)
        if isinstance(one, BaseException):
            raise one
        return one

    return read


def _view(found: object) -> Text:
    return Text(f"seen {found}")


def test_ctrl_c_is_the_end_and_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """What was read so far was shown, one picture after another."""
    watch(_reads(1, 2), _view, every_s=0, as_json=False)
    assert capsys.readouterr().out.split("\n") == ["seen 1", "", "seen 2", "", ""]


@pytest.mark.parametrize("error", [AWAY, OVERLOADED], ids=["away", "overloaded"])
def test_an_outage_is_shown_and_waited_for(capsys: pytest.CaptureFixture[str], error: Exception) -> None:
    """One watches because of outages: they don't end the watching."""
    watch(_reads(1, error, 3), _view, every_s=0, as_json=False)
    out = capsys.readouterr().out
    assert out.index("seen 1") < out.index(f"relais: {error}") < out.index("seen 3")


def test_as_json_each_reading_is_a_line_an_outage_too(capsys: pytest.CaptureFixture[str]) -> None:
    """A program can go on reading."""
    watch(_reads({"jobs": []}, AWAY, {"jobs": [1]}), _view, every_s=0, as_json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [{"jobs": []}, {"error": "nobody is there"}, {"jobs": [1]}]


@pytest.mark.parametrize("found", [(AWAY,), (1, FORBIDDEN)], ids=["never there", "refused later"])
def test_what_waiting_does_not_help_ends_it(found: tuple[object, ...]) -> None:
    """An address at which nobody ever was, and a key that is no longer valid."""
    with pytest.raises((UnreachableError, RefusedError)):
        watch(_reads(*found), _view, every_s=0, as_json=False)
