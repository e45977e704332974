"""Uploads files as an agent's documents, then follows their ingestion."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relais.lifecycle import TERMINAL, State
from relais_cli.client import Client, RefusedError

_BATCH_FILES = 20
_BATCH_BYTES = 20_000_000
_ASKED_AT_ONCE = 200
_OF_ONE_FILE = {413, 422}  # refusals that may be due to one file of a batch


@dataclass(frozen=True, slots=True)
class Upload:
    """A file with the name of the document that it becomes."""

    path: Path
    name: str


@dataclass(slots=True)
class Document:
    """A document on its way; `state` is None when its file was refused."""

    name: str
    path: Path
    job_id: str | None = None
    state: str | None = None
    unchanged: bool = False
    error: str | None = None
    error_code: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state is None or self.state in TERMINAL

    @property
    def succeeded(self) -> bool:
        """Whether answers can use it."""
        return self.state == State.COMPLETED


@dataclass
class Ingestion:
    """All documents of one upload."""

    documents: list[Document] = field(default_factory=list)

    @property
    def unfinished(self) -> int:
        """How many are still on their way."""
        return sum(not document.ended for document in self.documents)

    @property
    def failed(self) -> list[Document]:
        """Those that ended in vain."""
        return [document for document in self.documents if document.ended and not document.succeeded]

    def refresh(self, client: Client) -> None:
        """Ask how far those are that have not ended."""
        waiting = {document.job_id: document for document in self.documents if not document.ended}
        ids = list(waiting)
        for begin in range(0, len(ids), _ASKED_AT_ONCE):
            some = ids[begin : begin + _ASKED_AT_ONCE]
            for job in client.get("/api/jobs", params={"id": some, "limit": len(some)})["jobs"]:
                _note(waiting[job["id"]], job)


def upload(
    client: Client, slug: str, uploads: Sequence[Upload], tell: Callable[[int], None] | None = None
) -> Ingestion:
    """Upload files in batches; `tell` hears how many of them are there.

    A file that is refused is noted with the reason, the others go on.

    Raises:
        CliError: the API is away, or refuses for a reason that isn't the files'.
    """
    ingestion = Ingestion()
    for batch in _batches(uploads):
        ingestion.documents += _send(client, slug, batch)
        if tell is not None:
            tell(len(ingestion.documents))
    return ingestion


def _send(client: Client, slug: str, batch: Sequence[Upload]) -> list[Document]:
    try:
        return _post(client, slug, batch)
    except RefusedError as error:
        if error.status not in _OF_ONE_FILE:
            raise
        if len(batch) > 1:  # one bad file refuses them all: send each alone
            return [document for one in batch for document in _send(client, slug, [one])]
        return [Document(batch[0].name, batch[0].path, error=str(error), error_code=error.code)]


def _post(client: Client, slug: str, batch: Sequence[Upload]) -> list[Document]:
    with ExitStack() as files:
        parts = [("file", (one.name, files.enter_context(one.path.open("rb")))) for one in batch]
        accepted = client.post(f"/api/agents/{slug}/documents", files=parts, timeout=120.0)["documents"]
    return [
        Document(row["name"], one.path, row["job_id"], State.QUEUED, unchanged=row["unchanged"])
        for one, row in zip(batch, accepted, strict=True)
    ]


def _batches(uploads: Sequence[Upload]) -> Iterator[list[Upload]]:
    batch: list[Upload] = []
    size = 0
    for one in uploads:
        bytes_ = one.path.stat().st_size
        if batch and (len(batch) == _BATCH_FILES or size + bytes_ > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += bytes_
    if batch:
        yield batch


def _note(document: Document, job: dict[str, Any]) -> None:
    document.state, document.error, document.error_code = job["state"], job["error"], job["error_code"]
