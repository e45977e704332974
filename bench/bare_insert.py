"""The reference: what a plain FastAPI route does, one INSERT and one commit per request, no queue, no receipt."""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import text

from relais.store.engine import make_async_engine

engine = make_async_engine(os.environ["BARE_DATABASE_URL"], pool_size=10, application_name="bare")
INSERT = text("INSERT INTO bare (id, content) VALUES (:id, :content)")


class Message(BaseModel):
    """What is posted."""

    content: str


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Make the table."""
    async with engine.begin() as conn:
        await conn.execute(text("CREATE TABLE IF NOT EXISTS bare (id uuid PRIMARY KEY, content text NOT NULL)"))
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/message", status_code=202)
async def accept(message: Message) -> dict[str, str]:
    """Store a message."""
    message_id = str(uuid.uuid4())
    async with engine.begin() as conn:
        await conn.execute(INSERT, {"id": message_id, "content": message.content})
    return {"message_id": message_id}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["BARE_PORT"]), log_config=None, access_log=False)
