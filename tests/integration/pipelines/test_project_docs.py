"""The quickstart's agent: questions about Relais, answered from the project's own documentation."""

from pathlib import Path

from sqlalchemy import Engine

from support.desk import Desk
from support.seeding import make_agent

DOCS = Path(__file__).parents[3] / "docs"

EXPECTED = {
    "How does Relais recover when a worker dies?": "life-of-a-message.md",
    "What happens when RabbitMQ is down?": "life-of-a-message.md",
    "How do I scale the workers?": "operations.md",
    "How do I retry a failed message?": "life-of-a-message.md",
    "Why is my answer not grounded?": "concepts.md",
    "Which port does the API listen on?": "troubleshooting.md",
}
OFF_TOPIC = ["Who won the football championship yesterday?", "What is the capital of France?", "Tell me a joke"]


def test_questions_about_relais_are_answered_from_the_right_page(desk: Desk, engine: Engine) -> None:
    """With the built-in models and an agent's default settings; what the pages don't cover isn't answered."""
    agent_id = make_agent(engine)
    desk.upload_folder(agent_id, DOCS)
    answers = {question: desk.ask(agent_id, question) for question in [*EXPECTED, *OFF_TOPIC]}
    sources = {question: {citation["document"] for citation in answers[question].citations} for question in EXPECTED}
    assert {question: found for question, found in sources.items() if EXPECTED[question] not in found} == {}
    assert [answers[question].content for question in OFF_TOPIC] == ["I don't know."] * len(OFF_TOPIC)
