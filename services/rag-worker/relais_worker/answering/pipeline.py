"""Answers one message."""

from dataclasses import dataclass

from sqlalchemy import Engine

from relais.store.claim import ClaimedJob
from relais.store.settle import Answer
from relais_worker.adapters.ollama import Ollama
from relais_worker.adapters.qdrant import PassageIndex
from relais_worker.answering.asked import read_asked
from relais_worker.answering.compose import compose
from relais_worker.answering.generate import fall_back, generate
from relais_worker.answering.retrieve import retrieve
from relais_worker.progress import Progress


@dataclass(frozen=True)
class AnswerPipeline:
    """Retrieve, compose, generate; database transactions are short, and none is open while a model works."""

    engine: Engine
    ollama: Ollama
    index: PassageIndex

    def __call__(self, job: ClaimedJob, progress: Progress) -> Answer:
        """Answer the message `job.subject_id`.

        Raises:
            TransientError, PermanentError: as the steps do.
            RunAborted: from `progress.check`, at any time.
        """
        asked = read_asked(self.engine, job)
        found = retrieve(asked, self.engine, self.ollama, self.index, progress)
        if not found.hits and not asked.agent.allow_ungrounded:
            return fall_back(asked, found)
        prompt = compose(asked, found)
        return generate(asked, found, prompt, self.ollama, progress)
