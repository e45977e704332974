"""`relais ask`: one question, its answer, its sources."""

import asyncio
import time
from typing import Annotated
from uuid import UUID

import typer

from relais.lifecycle import State
from relais.settings import load_settings
from relais_cli.answer_view import AnswerView, QuietView
from relais_cli.asking import Question, find_token, post_question
from relais_cli.client import Client, UnreachableError, api_address, connected, operating
from relais_cli.commands.options import Json
from relais_cli.errors import CliError
from relais_cli.following import Follower, Status
from relais_cli.render import print_error, print_json, stderr
from relais_cli.settings import ClientSettings


def ask(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What to ask, in quotes.")],
    *,
    agent: Annotated[str, typer.Option(help="Slug of the agent to ask.")] = "demo",
    session: Annotated[UUID | None, typer.Option(help="Continue this conversation.")] = None,
    token: Annotated[str | None, typer.Option(help="The agent's public token, instead of an operator's key.")] = None,
    timeout: Annotated[float, typer.Option(min=1, max=86_400, help="Seconds to wait for the answer.")] = 300,
    as_json: Json = False,
) -> None:
    """Ask a question; the answer comes with its sources.

    Shows the place in the queue, then the text as it is written. Ctrl-C cancels the question.
    """
    if not question.strip():
        raise typer.BadParameter("is empty; write a question in quotes", param_hint="QUESTION")
    settings = load_settings(ClientSettings)
    public_token = token or _find_token(settings, agent)
    view = QuietView() if as_json else AnswerView()
    with connected(api_address(settings)) as client:
        final = _ask(client, public_token, Question(question, str(session) if session else None), view, timeout)
    if as_json:
        print_json(final)
    else:
        _show(final, view)
    raise typer.Exit(0 if final["status"] == State.COMPLETED else 1)


def _find_token(settings: ClientSettings, agent: str) -> str:
    with operating(settings) as client:
        return find_token(client, agent)


def _ask(client: Client, token: str, question: Question, view: AnswerView | QuietView, timeout_s: float) -> Status:
    deadline = time.monotonic() + timeout_s
    view.start()
    try:
        receipt = post_question(client, token, question, deadline, stderr().print)
        return _follow(client, receipt, view, deadline)
    except BaseException:
        view.stop()
        raise


def _follow(client: Client, receipt: Status, view: AnswerView | QuietView, deadline: float) -> Status:
    message_id = receipt["message_id"]
    try:
        view.on_accepted(receipt)
        return asyncio.run(Follower(client.address, view).follow(message_id, deadline - time.monotonic()))
    except KeyboardInterrupt:
        cancelled: Status = client.post(f"/api/messages/{message_id}/cancel")
        return cancelled
    except TimeoutError:
        raise CliError(
            "no answer in time (--timeout); the message stays in the queue, its status is at\n"
            f"{client.address.url}/api/messages/{message_id}/status"
        ) from None
    except UnreachableError as error:
        raise CliError(f"{error}\nThe message {message_id} was accepted and will be answered.") from None


def _show(final: Status, view: AnswerView | QuietView) -> None:
    if final["status"] == State.COMPLETED:
        view.show_answer(final)
        return
    view.stop()
    if final["status"] == State.CANCELLED:
        print_error("cancelled: the question will not be answered")
    else:
        print_error(
            f"{final['error']} ({final['error_code']})\n"
            f"To try again: relais queue retry {final['message_id']} --execute"
        )
