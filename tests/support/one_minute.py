"""Readings that belong together."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Engine, text

from support.waiting import wait_until

T = TypeVar("T")


def within_one_minute(engine: Engine, read: Callable[[], T]) -> T:
    """What several readings give when no minute of the database's clock ends between them.

    Windows are made of whole minutes: two readings with an end of one between them rightly differ.
    """

    def read_once() -> tuple[T] | None:
        began = _minute(engine)
        found = read()
        return (found,) if _minute(engine) == began else None

    return wait_until(read_once, 30, "read within one minute")[0]


def _minute(engine: Engine) -> datetime:
    with engine.connect() as conn:
        return conn.execute(text("SELECT date_trunc('minute', clock_timestamp())")).scalar_one()
