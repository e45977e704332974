"""Says what is wrong with each field of a request, where it is, and what to do about it."""

from collections.abc import Iterable, Mapping
from typing import Any

_WORDING = (  # pydantic's opening words, turned into a demand on the field
    ("Input should be", "must be"),
    ("Input should", "must"),
    ("String should", "must"),
    ("List should", "must"),
    ("Dictionary should", "must"),
    ("Value should", "must"),
    ("Field required", "is required"),
    ("Value error, ", ""),
)
_BY_TYPE = {
    "extra_forbidden": "is not known here; remove it",
    "json_invalid": "is not valid JSON in UTF-8; send one JSON object",
    "missing": "is required",
    "model_attributes_type": "must be a JSON object",
    "model_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
}


def describe_errors(errors: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Turn pydantic's errors into `{location, field, code, message}`, never repeating what was sent.

    Args:
        errors: with `loc` beginning with body, query, path or header.
    """
    return [_describe(error) for error in errors]


def _describe(error: Mapping[str, Any]) -> dict[str, str]:
    location, *path = error["loc"] or ("body",)
    code = str(error["type"])
    # A JSON error's path is a byte offset, which is no field.
    field = "" if code == "json_invalid" else ".".join(str(part) for part in path)
    subject = field or f"the {location}"
    return {"location": str(location), "field": field, "code": code, "message": f"{subject} {_demand(code, error)}."}


def _demand(code: str, error: Mapping[str, Any]) -> str:
    if code in _BY_TYPE:
        reason = str(error.get("ctx", {}).get("error", ""))
        return f"{_BY_TYPE[code]} ({reason})" if code == "json_invalid" and reason else _BY_TYPE[code]
    message = str(error["msg"])
    for opening, words in _WORDING:
        if message.startswith(opening):
            return words + message.removeprefix(opening)
    return message


def summarise(errors: list[dict[str, str]]) -> str:
    """One sentence for people: the first error, and how many there are."""
    first = errors[0]["message"] if errors else "The request is not valid."
    more = len(errors) - 1
    return first if more <= 0 else f"{first} {more} more {'error is' if more == 1 else 'errors are'} listed."
