"""The end of `relais up`: everything stops in order, and a person reads what happens."""

from sqlalchemy.exc import DBAPIError

from relais.queues import AI_MESSAGES
from relais.store.engine import make_engine
from relais.store.line import read_lines
from relais_cli.embedded.context import Run
from relais_cli.render import counted


def say_farewell(run: Run) -> None:
    """Stop whatever was started."""
    if not run.ending.stops:
        return
    asked = run.requests.begun.is_set()
    why = "running jobs may finish first. Ctrl-C again: stop at once." if asked else "what was started ends again."
    run.steps.say(f"Stopping; {why}", event="stopping")
    run.ending.run(lambda name: run.steps.say(f"{name} stopped.", event="stopped"))
    run.steps.say("Relais has stopped.", event="end")


def say_what_waits(run: Run) -> None:
    """Tell how many messages go on with the next start; says nothing when there are none."""
    engine = make_engine(run.given.addresses.database_url, pool_size=1, application_name="relais-up")
    try:
        with engine.connect() as conn:
            waiting = read_lines(conn).waiting(AI_MESSAGES.name)
    except DBAPIError:
        return
    finally:
        engine.dispose()
    if waiting:
        verb = "waits" if waiting == 1 else "wait"
        run.steps.say(f"{counted(waiting, 'message')} {verb} for the next start.", event="waiting")
