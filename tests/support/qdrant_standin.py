"""The REST calls that Relais makes to Qdrant, by qdrant-client's local mode: `qdrant_standin.py FOLDER PORT [HOST]`.

No registry that we reach has Qdrant's own server. Statuses and error texts are those of Qdrant 1.20, as far as the
adapter reads them; `tests/integration/pipelines/test_qdrant.py` holds the adapter against both.
"""

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from qdrant_client import QdrantClient, models


@dataclass(frozen=True)
class Collections:
    """A folder in local mode, which isn't thread-safe."""

    client: QdrantClient
    lock: Lock = field(default_factory=Lock)

    @contextmanager
    def __call__(self) -> Iterator[QdrantClient]:
        with self.lock:
            yield self.client


def build_app(collections: Collections) -> FastAPI:
    """Serve the collections."""
    app = FastAPI(openapi_url=None)
    for router in (_collections(collections), _points(collections)):
        app.include_router(router)
    for path in ("/healthz", "/livez", "/readyz"):
        app.add_api_route(path, lambda: "healthz check passed")
    app.add_exception_handler(ValueError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    return app


def _collections(collections: Collections) -> APIRouter:
    router = APIRouter(prefix="/collections")

    @router.get("")
    def list_all() -> Any:
        with collections() as client:
            return _ok(client.get_collections())

    @router.get("/{name}")
    def get(name: str) -> Any:
        with collections() as client:
            return _ok(client.get_collection(name))

    @router.get("/{name}/exists")
    def exists(name: str) -> Any:
        with collections() as client:
            return _ok({"exists": client.collection_exists(name)})

    @router.put("/{name}")
    def create(name: str, body: models.CreateCollection) -> Any:
        with collections() as client:
            return _ok(client.create_collection(name, vectors_config=body.vectors))

    @router.delete("/{name}")
    def delete(name: str) -> Any:
        with collections() as client:
            return _ok(client.delete_collection(name))

    @router.put("/{name}/index")
    def index(name: str, body: models.CreateFieldIndex) -> Any:
        with collections() as client:
            return _ok(client.create_payload_index(name, body.field_name, body.field_schema))

    return router


def _points(collections: Collections) -> APIRouter:
    router = APIRouter(prefix="/collections/{name}/points")

    @router.put("")
    def upsert(name: str, body: models.PointsList) -> Any:
        with collections() as client:
            _check_sizes(client, name, [point.vector for point in body.points])
            return _ok(client.upsert(name, body.points))

    @router.post("")
    def retrieve(name: str, body: models.PointRequest) -> Any:
        with collections() as client:
            found = client.retrieve(name, body.ids, with_payload=body.with_payload, with_vectors=body.with_vector)
            return _ok(found)

    @router.post("/query")
    def query(name: str, body: models.QueryRequest) -> Any:
        with collections() as client:
            _check_sizes(client, name, [fetch.query for fetch in body.prefetch or ()])
            (found,) = client.query_batch_points(name, [body])
            return _ok(found)

    @router.post("/count")
    def count(name: str, body: models.CountRequest) -> Any:
        with collections() as client:
            return _ok(client.count(name, count_filter=body.filter, exact=body.exact or True))

    @router.post("/delete")
    def delete(name: str, body: models.PointIdsList | models.FilterSelector) -> Any:
        with collections() as client:
            return _ok(client.delete(name, body))

    return router


def _check_sizes(client: QdrantClient, name: str, vectors: Sequence[object]) -> None:
    """Refuse a wrong size in Qdrant's words; local mode has its own."""
    size = client.get_collection(name).config.params.vectors.size
    for vector in vectors:
        if isinstance(vector, list) and len(vector) != size:
            raise ValueError(f"Vector dimension error: expected dim: {size}, got {len(vector)}")


def _ok(result: Any) -> Any:
    return {"result": jsonable_encoder(result, exclude_none=True), "status": "ok", "time": 0.0}


def _refused(_request: Request, error: Exception) -> JSONResponse:
    text = str(error)
    status = 404 if "not found" in text else 409 if "already exists" in text else 400
    prefix = "Not found" if status == 404 else "Wrong input"
    return JSONResponse({"status": {"error": f"{prefix}: {text}"}, "time": 0.0}, status)


def _malformed(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"status": {"error": f"Format error in JSON body: {error}"}, "time": 0.0}, 400)


def main(folder: str, port: str, host: str = "127.0.0.1") -> None:
    """Serve until a signal comes."""
    warnings.filterwarnings("ignore", message="Payload indexes have no effect")
    client = QdrantClient(path=folder, force_disable_check_same_thread=True)
    app = build_app(Collections(client))
    uvicorn.run(app, host=host, port=int(port), log_level="warning", timeout_keep_alive=75)  # as clients never do


if __name__ == "__main__":
    main(*sys.argv[1:])
