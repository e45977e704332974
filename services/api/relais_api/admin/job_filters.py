"""Which jobs an operator means: the filter that search and bulk actions share."""

from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

from relais.ages import LONGEST_AGE_S, read_age
from relais.lifecycle import TERMINAL, State
from relais.queues import Kind
from relais.refs import bounds_of, ref_of
from relais.store.bulk import JobFilter
from relais_api.chat.body import refuse_control_characters

_REF_SCHEMA: Final = {"type": "string", "pattern": "^([0-9a-f]{12}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$"}
_MOST_RECORDED: Final = 100
MOST_CHANGED: Final = 10_000


def _read_age(age: Any) -> float:
    if type(age) in {int, float} and 0 <= age <= LONGEST_AGE_S:  # neither holds for a NaN
        return float(age)
    try:
        return read_age(str(age))
    except ValueError as error:
        raise PydanticCustomError("age", "{why}", {"why": str(error)}) from None


_AGE_SCHEMA: Final = WithJsonSchema(
    {
        "anyOf": [
            {"type": "number", "minimum": 0, "maximum": LONGEST_AGE_S},
            {"type": "string", "pattern": "^[0-9]{1,8}[smhd]$"},
        ]
    }
)


def _read_ref(ref: str) -> str:
    try:
        bounds_of(ref)
    except ValueError:
        raise PydanticCustomError("ref", "must be a ref of twelve hexadecimal digits, or a whole id") from None
    return ref.strip().lower()


Ref = Annotated[str, Field(max_length=40), AfterValidator(_read_ref), WithJsonSchema(_REF_SCHEMA)]
_Age = Annotated[float, BeforeValidator(_read_age), _AGE_SCHEMA]
Word = Annotated[str, Field(max_length=200), AfterValidator(refuse_control_characters)]


class Filter(BaseModel):
    """Jobs that match every field given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: State | None = None
    kind: Kind | None = None
    agent: Word | None = Field(None, description="An agent's slug.")
    error_code: Word | None = None
    older_than: _Age | None = Field(None, description="Accepted longer ago than this: seconds, or `15m`, `2h`, `7d`.")
    id: Annotated[list[UUID], Field(max_length=1_000)] | None = Field(None, description="Jobs by id, repeatable.")
    ref: Annotated[list[Ref], Field(max_length=1_000)] | None = Field(None, description="Jobs by ref, repeatable.")
    session: Ref | None = Field(None, description="Messages of a session, by its id or its ref.")

    def criteria(self) -> JobFilter:
        """The same for the store."""
        return JobFilter(
            state=self.state,
            kind=self.kind,
            agent=self.agent,
            error_code=self.error_code,
            older_than_s=self.older_than,
            ids=None if self.id is None else tuple(self.id),
            refs=None if self.ref is None else tuple(self.ref),
            session=self.session,
        )

    def narrows(self) -> bool:
        """Whether it leaves any job out."""
        return self.criteria() != JobFilter()


class PageOfJobs(Filter):
    """The query of a search."""

    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class BulkAction(Filter):
    """The query, or the JSON body, of a bulk action."""

    dry_run: bool = Field(default=True, description="Only tell what would change.")
    limit: Annotated[
        int, Field(ge=1, le=MOST_CHANGED, description="Most jobs to change, oldest first: 5 tries it on 5.")
    ] = 1_000

    def named(self) -> list[str]:
        """The ids and refs that were given."""
        return [*map(str, self.id or ()), *(self.ref or ())]

    def target(self) -> dict[str, Any]:
        """The same for the record of what operators did, with refs in the place of ids."""
        given = self.model_dump(mode="json", exclude={"dry_run", "id", "ref", "session"}, exclude_none=True)
        refs = [ref_of(bounds_of(ref)[0]) for ref in self.named()]
        named = {"ref": refs[:_MOST_RECORDED]} if refs else {}
        session = {} if self.session is None else {"session": ref_of(bounds_of(self.session)[0])}
        return given | named | session


class Unlocking(BulkAction):
    """The same for `unlock`."""

    force: bool = Field(
        default=False, description="Also from workers that are well, and when attempts are spent: one more is given."
    )


class Cleaning(BulkAction):
    """The same for `clean`, where `older_than` counts from the end of the job."""

    keep: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        None, description="So many matching jobs stay, those that ended last."
    )

    def narrows(self) -> bool:
        """Whether it leaves any job out."""
        return super().narrows() or self.keep is not None

    @field_validator("state")
    @classmethod
    def _has_ended(cls, state: State | None) -> State | None:
        if state is not None and state not in TERMINAL:
            raise PydanticCustomError("not_ended", "must be completed, failed or cancelled: only these are cleaned")
        return state
