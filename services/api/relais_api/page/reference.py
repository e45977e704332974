"""Serves the reference of the API: a plain page made from its OpenAPI document, without scripts or external hosts."""

from functools import cache
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from relais_api.page.assets import assets_version

router: Final = APIRouter(include_in_schema=False)

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-cache",
}
_METHODS: Final = ("get", "post", "patch", "delete")


@router.get("/docs")
async def show_reference(request: Request) -> HTMLResponse:
    """List every address with its parameters, bodies and answers; for programs there is `/openapi.json`."""
    return HTMLResponse(render_reference(request.app.openapi()), headers=_HEADERS)


def render_reference(document: dict[str, Any]) -> str:
    """Give the HTML of an OpenAPI document; every value is escaped."""
    operations = [
        {"method": method, "path": path, **item[method]}
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    ]
    return _template().render(document=document, operations=operations, assets=f"/assets/{assets_version()}")


def _type_of(schema: dict[str, Any]) -> str:
    """Name a schema in a few words: `integer`, `list of Citation`, `string or null`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_type_of(option) for option in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type_of(schema.get('items', {}))}"
    return str(schema.get("format", schema.get("type", "anything")))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("relais_api.page"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["type_of"] = _type_of
    return environment.get_template("reference.html")
