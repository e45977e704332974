"""Reads and checks a chat request: content type, body, idempotency key."""

import re

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.requests import Request

from relais.store.agents import Agent
from relais_api.chat.body import MessageBody
from relais_api.http.problems import TooLarge, WrongMediaType

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


async def read_message(request: Request, agent: Agent) -> MessageBody:
    """Read the body of a message to `agent`.

    Raises:
        WrongMediaType: it isn't sent as JSON.
        TooLarge: the body or the text is above its limit.
        RequestValidationError: any field is wrong.
    """
    await json_only(request)
    try:
        body = MessageBody.model_validate_json(await request.body())
    except ValidationError as error:
        raise RequestValidationError(_located(error)) from None
    if len(body.content) > agent.max_content_chars:
        raise TooLarge(
            f"content has {len(body.content)} characters; this agent takes at most {agent.max_content_chars}. "
            "Send a shorter message."
        )
    return body


async def json_only(request: Request) -> None:
    """Refuse a body that doesn't claim to be JSON.

    Raises:
        WrongMediaType: another content type, or none.
    """
    sent = request.headers.get("content-type", "")
    kind = sent.partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        detail = f"The body is sent as {kind!r}" if kind.isprintable() and kind else "The body has no content type"
        raise WrongMediaType(f"{detail}; send JSON with Content-Type: application/json.")


def read_idempotency_key(request: Request) -> str | None:
    """Read `Idempotency-Key`: 1 to 255 visible ASCII characters, or absent.

    Raises:
        RequestValidationError: anything else.
    """
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        message = "must be one value of 1 to 255 visible ASCII characters without spaces"
        raise RequestValidationError(
            [{"loc": ("header", "Idempotency-Key"), "type": "idempotency_key", "msg": message}]
        )
    return keys[0]


def _located(error: ValidationError) -> list[dict[str, object]]:
    listed = error.errors(include_url=False, include_input=False)
    return [{**item, "loc": ("body", *item["loc"])} for item in listed]
