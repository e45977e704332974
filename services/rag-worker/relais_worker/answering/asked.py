"""Everything the database knows about a message that is to be answered."""

from dataclasses import dataclass

from sqlalchemy import Engine

from relais.errors import PermanentError
from relais.store.agents import Agent, find_agent_by_id
from relais.store.claim import ClaimedJob
from relais.store.conversation import EarlierTurn, find_question, read_earlier_turns
from relais.store.documents import read_index_signatures
from relais_worker.index_signature import IndexSignature

_MOST_TURNS = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the agent it is put to, the answered turns before it, and what the agent's index is made with."""

    agent: Agent
    question: str
    earlier: list[EarlierTurn]
    indexed_with: list[IndexSignature]


def read_asked(engine: Engine, job: ClaimedJob) -> Asked:
    """Read it in one short transaction, which is over before anything else is called.

    Raises:
        PermanentError: `message_missing`, `agent_missing`. An agent that was deleted meanwhile still answers what it
            had accepted.
    """
    with engine.connect() as conn:
        question = find_question(conn, job.subject_id)
        if question is None:
            raise PermanentError("message_missing", "The message no longer exists.")
        agent = find_agent_by_id(conn, question.agent_id)
        if agent is None:
            raise PermanentError("agent_missing", "The agent that this message was sent to no longer exists.")
        earlier = read_earlier_turns(conn, question.session_id, before=question.seq, limit=_MOST_TURNS)
        signatures = [IndexSignature.read(stored) for stored in read_index_signatures(conn, agent.id)]
    return Asked(agent, question.content, earlier, signatures)
