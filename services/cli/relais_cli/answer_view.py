"""What a person sees of a question: its place in the queue, the text as it comes, the sources."""

import sys
from typing import Any

from rich.console import Console
from rich.status import Status as Spinner

from relais_cli.following import Status
from relais_cli.render import stderr, stdout
from relais_cli.status_words import describe, describe_place
from relais_cli.word_wrap import WordWrap

_WIDEST = 100


class AnswerView:
    """Shows one answer; the text goes to stdout, all else that passes to stderr."""

    def __init__(self) -> None:
        self._out = stdout()
        self._err: Console = stderr()
        self._spinner: Spinner | None = self._err.status("Sending…") if self._err.is_terminal else None
        self._said = ""
        self._shown = ""
        self._wrap = self._new_wrap()

    def start(self) -> None:
        """Begin to show that we wait."""
        if self._spinner:
            self._spinner.start()

    def stop(self) -> None:
        """Leave the line to others."""
        self._hide_spinner()
        if self._wrap.is_within_line:
            self._wrap.feed("\n")

    def on_accepted(self, receipt: Status) -> None:
        """Show the first place in the queue."""
        self._say(describe_place(receipt["queue_position"], receipt["eta_seconds"]))

    def on_status(self, status: Status) -> None:
        """See `Watcher.on_status`."""
        self._say(describe(status))

    def _say(self, said: str) -> None:
        if said == self._said or self._shown:
            return
        self._said = said
        if self._spinner:
            self._spinner.update(f"{said}…")
        else:
            self._err.print(f"{said}.", soft_wrap=True)

    def on_text(self, text: str) -> None:
        """See `Watcher.on_text`; a file gets the text only when it is final."""
        if self._out.is_terminal:
            self._hide_spinner()
            self._shown += text
            self._wrap.feed(text)

    def on_reset(self) -> None:
        """See `Watcher.on_reset`."""
        if self._shown:
            self.stop()
            self._err.print("(This attempt failed; another begins.)")
            self._shown, self._wrap = "", self._new_wrap()

    def show_answer(self, status: Status) -> None:
        """Show what is missing of the final answer, then its sources."""
        self._hide_spinner()
        content = str(status["content"])
        if not content.startswith(self._shown):  # what was streamed is not what was stored
            self._wrap.feed("\n\n")
            self._shown, self._wrap = "", self._new_wrap()
        self._wrap.feed(content[len(self._shown) :])
        self._wrap.feed("\n")
        self._show_sources(status)

    def _show_sources(self, status: Status) -> None:
        if not status["grounded"]:
            self._out.print("\n(Not grounded in any document.)")
        citations: list[dict[str, Any]] = status["citations"] or []
        if citations:
            self._out.print("\nSources")
            width = max(len(citation["document"]) for citation in citations)
            for citation in citations:
                self._out.print(
                    f"  [{citation['index']}] {citation['document']:<{width}}  {citation['score']:.2f}", soft_wrap=True
                )

    def _hide_spinner(self) -> None:
        if self._spinner:
            self._spinner.stop()

    def _new_wrap(self) -> WordWrap:
        return WordWrap(self._write, min(self._out.width, _WIDEST))

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


class QuietView:
    """Shows nothing: a program reads the result."""

    def start(self) -> None:
        """Nothing to begin."""

    def stop(self) -> None:
        """Nothing to leave."""

    def on_accepted(self, receipt: Status) -> None:
        """Nothing to show."""

    def on_status(self, status: Status) -> None:
        """Nothing to show."""

    def on_text(self, text: str) -> None:
        """Nothing to show."""

    def on_reset(self) -> None:
        """Nothing to show."""

    def show_answer(self, status: Status) -> None:
        """Nothing to show."""
