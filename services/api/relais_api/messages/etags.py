"""Entity tags of status bodies."""

import hashlib

from relais_api.messages.bodies import StatusBody


def status_etag(body: StatusBody) -> str:
    """A weak tag that changes when anything but the estimate changes."""
    said = body.model_dump_json(exclude={"eta_seconds"})
    return f'W/"{hashlib.sha256(said.encode()).hexdigest()[:24]}"'


def matches(if_none_match: str, etag: str) -> bool:
    """Whether `If-None-Match` names the tag; compared weakly (RFC 9110, section 13.1.2)."""
    opaque = etag.removeprefix("W/")
    return any(tag.strip().removeprefix("W/") in (opaque, "*") for tag in if_none_match.split(","))
