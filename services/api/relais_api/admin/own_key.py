"""Tells an operator what the key in use may do."""

from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel

from relais.store.api_keys import Scope
from relais_api.admin.keys import Reader
from relais_api.http import problems
from relais_api.http.openapi import problem_responses

router: Final = APIRouter(
    prefix="/api/key",
    tags=["Administration"],
    responses=problem_responses(problems.Unauthorized, problems.Forbidden, problems.DatabaseUnavailable),
)


class KeyBody(BaseModel):
    """A key without its secret: `name` is what the record of changes calls its holder."""

    name: str
    scope: Scope


@router.get("")
async def show_key(holder: Reader) -> KeyBody:
    """Show the name and the scope of the key that was sent."""
    return KeyBody(name=holder.name, scope=holder.scope)
