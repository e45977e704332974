"""What a client may send as a message."""

import hashlib
import json
import math
import re
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema
from pydantic_core import PydanticCustomError

# Everything in Unicode's category Cc but tab, line feed and carriage return; PostgreSQL can't store NUL at all.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_METADATA_BYTES = 8_192
_METADATA_DEPTH = 5
LONGEST_USER_REF = 200


def refuse_control_characters(text: str) -> str:
    """Return `text` unchanged, or raise a validation error that names the first control character in it."""
    found = _CONTROL.search(text)
    if found:
        raise PydanticCustomError(
            "control_character",
            "has the control character U+{code} at position {position}; only tab and line ends are allowed",
            {"code": f"{ord(found.group()):04X}", "position": found.start()},
        )
    return text


def _refuse_blank(text: str) -> str:
    if not text or text.isspace():
        raise PydanticCustomError("blank", "is empty; write at least one visible character")
    return text


def _check_metadata(metadata: dict[str, JsonValue]) -> dict[str, JsonValue]:
    _walk(metadata, _METADATA_DEPTH)
    if len(json.dumps(metadata, ensure_ascii=False).encode()) > _METADATA_BYTES:
        raise PydanticCustomError("too_large", f"has more than {_METADATA_BYTES} bytes as JSON; send less")
    return metadata


def _walk(value: JsonValue, depth: int) -> None:
    if depth < 0:
        raise PydanticCustomError("too_deep", f"is nested deeper than {_METADATA_DEPTH} levels; make it flatter")
    if isinstance(value, str):
        refuse_control_characters(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise PydanticCustomError("not_finite", "holds NaN or Infinity, which JSON doesn't have; send null instead")
    elif isinstance(value, list):
        for item in value:
            _walk(item, depth - 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            refuse_control_characters(key)
            _walk(item, depth - 1)


# pydantic's own schema refers to a definition that wouldn't be in the OpenAPI document.
_ANY_OBJECT = WithJsonSchema({"type": "object", "additionalProperties": True})
Line = Annotated[str, AfterValidator(refuse_control_characters)]


class MessageBody(BaseModel):
    """The body of `POST /c/{token}/message`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    content: Annotated[Line, AfterValidator(_refuse_blank), Field(description="The question.")]
    session_id: UUID | None = Field(None, description="Continue this conversation; null begins a new one.")
    user_ref: Annotated[Line, Field(min_length=1, max_length=LONGEST_USER_REF)] | None = Field(
        None, description="The caller's own name for the user; stored, never shown to the model."
    )
    metadata: Annotated[dict[str, JsonValue], AfterValidator(_check_metadata), _ANY_OBJECT] = Field(
        default_factory=dict,
        description=f"Anything else, at most {_METADATA_BYTES} bytes and {_METADATA_DEPTH} levels.",
    )


def fingerprint(body: MessageBody) -> bytes:
    """SHA-256 of what the body says, so that spacing or the order of fields don't make it another request."""
    said: dict[str, Any] = body.model_dump(mode="json")
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).digest()
