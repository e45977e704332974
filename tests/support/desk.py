"""Uploading documents and asking questions, with the pipelines run in place of the engine."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import Engine

from relais.store.accept import accept_ingestion
from relais.store.claim import ClaimedJob
from relais.store.documents import mark_deleted, put_document
from relais.store.settle import Answer, settle_completed, settle_failed
from relais_worker.adapters.ollama import Ollama
from relais_worker.adapters.qdrant import PassageIndex
from relais_worker.answering.pipeline import AnswerPipeline
from relais_worker.ingesting.chunk import Chunking
from relais_worker.ingesting.pipeline import IngestPipeline
from support.progress import RecordedProgress
from support.seeding import accept, claim, make_worker, new_message


@dataclass
class Desk:
    """What a client and a worker do, one call each; `progress` is that of the newest run."""

    engine: Engine
    index: PassageIndex
    ollama: Ollama
    progress: RecordedProgress = field(default_factory=RecordedProgress)

    def __post_init__(self) -> None:
        self._worker_id = make_worker(self.engine)
        self._sessions: set[UUID] = set()

    def upload(self, agent_id: UUID, name: str, content: bytes, media_type: str = "application/octet-stream") -> UUID:
        """Store a document and run its ingestion; return its id."""
        document_id = self.put(agent_id, name, content, media_type)
        self.ingest(agent_id, document_id)
        return document_id

    def upload_folder(self, agent_id: UUID, folder: Path) -> Mapping[str, UUID]:
        """Upload every Markdown file; return the ids by name."""
        return {path.name: self.upload(agent_id, path.name, path.read_bytes()) for path in sorted(folder.glob("*.md"))}

    def put(self, agent_id: UUID, name: str, content: bytes, media_type: str = "application/octet-stream") -> UUID:
        """Store a document without running its ingestion."""
        with self.engine.begin() as conn:
            return put_document(conn, agent_id, name, media_type, content).document_id

    def ingest(
        self,
        agent_id: UUID,
        document_id: UUID,
        *,
        chunking: Chunking | None = None,
        progress: RecordedProgress | None = None,
    ) -> None:
        """Accept, claim, run and settle an ingestion; what the pipeline raises leaves the job to be failed here."""
        with self.engine.begin() as conn:
            accept_ingestion(
                conn, job_id=uuid4(), document_id=document_id, agent_id=agent_id, priority=0, max_attempts=3
            )
        self.progress = progress or RecordedProgress()
        pipeline = IngestPipeline(self.engine, self.ollama, self.index, chunking or Chunking())
        with self._claimed("documents") as job:
            pipeline(job, self.progress)
            self._settle(job, None)

    def delete(self, agent_id: UUID, document_id: UUID) -> None:
        """Mark a document as deleted and run its removal."""
        with self.engine.begin() as conn:
            mark_deleted(conn, document_id)
        self.ingest(agent_id, document_id)

    def ask(
        self,
        agent_id: UUID,
        question: str,
        *,
        session_id: UUID | None = None,
        progress: RecordedProgress | None = None,
    ) -> Answer:
        """Accept a message, claim it, run the answering pipeline and settle it."""
        session_id = session_id or uuid4()
        opened = session_id in self._sessions
        self._sessions.add(session_id)
        accept(self.engine, [new_message(agent_id, question, session_id=session_id, new_session=not opened)])
        self.progress = progress or RecordedProgress()
        with self._claimed("ai-messages") as job:
            answer = AnswerPipeline(self.engine, self.ollama, self.index)(job, self.progress)
            self._settle(job, answer)
        return answer

    @contextmanager
    def _claimed(self, queue: str) -> Iterator[ClaimedJob]:
        """Claim the only job of the queue; what is raised within makes it fail, so that the next can be claimed."""
        job = claim(self.engine, self._worker_id, queue=queue)
        assert job is not None
        try:
            yield job
        except Exception as error:
            with self.engine.begin() as conn:
                settle_failed(conn, job.id, job.attempt, error_code="test", error=str(error))
            raise

    def _settle(self, job: ClaimedJob, answer: Answer | None) -> None:
        with self.engine.begin() as conn:
            assert settle_completed(conn, job.id, job.attempt, answer)
