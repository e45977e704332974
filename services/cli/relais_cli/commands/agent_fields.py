"""The options that set an agent's fields."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

_CHAT = typer.Option("--chat-model", help="As the model server names it; embedded: extractive.")
_EMBEDDING = typer.Option("--embedding-model", help="As the model server names it; embedded: lexical.")

Slug = Annotated[str, typer.Argument(metavar="SLUG", help="The agent's name in commands: a-z, 0-9 and hyphens.")]
Name = Annotated[str | None, typer.Option(help="Shown to users.")]
NewChatModel = Annotated[str, _CHAT]
NewEmbeddingModel = Annotated[str, _EMBEDDING]
ChatModel = Annotated[str | None, _CHAT]
EmbeddingModel = Annotated[str | None, _EMBEDDING]
SystemPrompt = Annotated[str | None, typer.Option(metavar="TEXT|@FILE", help="Instructions for the model.")]
Greeting = Annotated[str | None, typer.Option(help="Shown before the first message.")]
MaxWaiting = Annotated[
    int | None,
    typer.Option(min=0, metavar="N", help="Messages that may wait, others are refused; 0: any number."),
]
More = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Any other field, such as top_k=3; may be repeated."),
]


def read_fields(
    *, system_prompt: str | None, max_waiting: int | None, more: list[str] | None, **given: str | None
) -> dict[str, Any]:
    """Put the options that were given into the body of a request.

    Raises:
        typer.BadParameter: one can't be read.
    """
    fields: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if system_prompt is not None:
        fields["system_prompt"] = _read_text(system_prompt)
    if max_waiting is not None:
        fields["max_waiting"] = max_waiting or None
    for assignment in more or ():
        name, equals, value = assignment.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{assignment!r} is not FIELD=VALUE", param_hint="--set")
        fields[name] = _read_value(value)
    return fields


def _read_text(given: str) -> str:
    if not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{given[1:]} can't be read: {error}", param_hint="--system-prompt") from None


def _read_value(given: str) -> Any:
    try:
        return json.loads(given)  # numbers, true and false
    except ValueError:
        return given
