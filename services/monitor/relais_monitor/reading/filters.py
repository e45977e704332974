"""Which jobs a viewer asks for: the same fields as the API's search, from the query of an address."""

import base64
import binascii
import json
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from relais.ages import read_age
from relais.lifecycle import State
from relais.queues import Kind
from relais.refs import bounds_of
from relais.store.bulk import JobFilter
from relais.store.monitor_jobs import ListedJob


def _check_ref(ref: str) -> str:
    bounds_of(ref)
    return ref.strip().lower()


def _check_word(word: str) -> str:
    if not word.isprintable():
        raise ValueError("must not have control characters")
    return word


_Age = Annotated[float, BeforeValidator(lambda text: read_age(str(text)))]
_Ref = Annotated[str, Field(max_length=40), AfterValidator(_check_ref)]
_Word = Annotated[str, Field(max_length=200), AfterValidator(_check_word)]


class Search(BaseModel):
    """Jobs that match every field given, page by page."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: State | None = None
    kind: Kind | None = None
    agent: _Word | None = None
    error_code: _Word | None = None
    older_than: _Age | None = None
    session: _Ref | None = None
    ref: Annotated[tuple[_Ref, ...], Field(max_length=100)] | None = None
    cursor: Annotated[str, Field(max_length=200)] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50

    def criteria(self) -> JobFilter:
        """The same for the store."""
        return JobFilter(
            state=self.state,
            kind=self.kind,
            agent=self.agent,
            error_code=self.error_code,
            older_than_s=self.older_than,
            refs=self.ref or None,
            session=self.session,
        )

    def before(self) -> tuple[datetime, str] | None:
        """Where the page begins.

        Raises:
            ValueError: the cursor isn't one.
        """
        if self.cursor is None:
            return None
        try:
            created_at, ref = json.loads(base64.b64decode(self.cursor, altchars=b"-_", validate=True))
            bounds_of(ref)
            return datetime.fromisoformat(created_at), ref
        except (binascii.Error, UnicodeError, TypeError, AttributeError, ValueError):
            raise ValueError("must be `next_cursor` of the page before") from None


def cursor_after(job: ListedJob) -> str:
    """The cursor of the page that follows this job."""
    keys = json.dumps([job.created_at.isoformat(), job.ref])
    return base64.urlsafe_b64encode(keys.encode()).decode()
