"""What a reader asks the agent `demo`, with the page and the words that the answer must have."""

from sqlalchemy import Engine

from relais_cli.embedded.demo import find_documents
from support.desk import Desk
from support.seeding import make_agent

EXPECTED = {
    "How does Relais recover when a worker dies?": ("life-of-a-message.md", "gives its jobs back"),
    "What happens when RabbitMQ is down?": ("life-of-a-message.md", "still accepted"),
    "What happens if PostgreSQL is away?": ("life-of-a-message.md", "503"),
    "How long is a lease?": ("life-of-a-message.md", "20 seconds"),
    "Which states can a message have?": ("life-of-a-message.md", "`processing`"),
    "What is the backoff between retries?": ("life-of-a-message.md", "30 seconds"),
    "How is the queue position computed?": ("life-of-a-message.md", "ahead"),
    "Are messages of one session answered in order?": ("life-of-a-message.md", "one after another"),
    "How do I cancel a message?": ("api-guide.md", "/cancel"),
    "What does the Prefer header do?": ("api-guide.md", "at most 60"),
    "How large may a message be?": ("api-guide.md", "32,768"),
    "Which file types can I upload?": ("api-guide.md", "PDF"),
    "How do I scale the workers?": ("operations.md", "`rag-worker`"),
    "How do I back up Relais?": ("operations.md", "PostgreSQL"),
    "How long are messages kept?": ("operations.md", "RELAIS_RETENTION_DAYS"),
    "How do I create an API key?": ("operations.md", "relais keys add"),
    "Which HTTP status is returned when the queue is full?": ("troubleshooting.md", "429"),
    "What does model_missing mean?": ("troubleshooting.md", "ollama pull"),
    "Why is my message queued forever?": ("troubleshooting.md", "no worker serves its queue"),
    "Which database does the quickstart use?": ("quickstart.md", "PostgreSQL"),
    "Where does the quickstart store its data?": ("quickstart.md", "RELAIS_HOME"),
    "What does grounded mean?": ("concepts.md", "rests on passages"),
}


def test_the_documentation_answers_what_readers_ask(desk: Desk, engine: Engine) -> None:
    """With the built-in models, each answer has the words that matter and cites the page that they stand on."""
    agent_id = make_agent(engine)
    for page in find_documents():
        desk.upload(agent_id, page.name, page.read_bytes())
    wrong = {}
    for question, (page, words) in EXPECTED.items():
        answer = desk.ask(agent_id, question)
        if words not in answer.content or page not in {citation["document"] for citation in answer.citations}:
            wrong[question] = answer.content
    assert wrong == {}
