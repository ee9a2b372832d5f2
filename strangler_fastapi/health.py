"""`live` and `ready`, for whatever starts and watches the service."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from strangler_fastapi.db.engine import Database
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.http.urls import ApiPrefixes
from strangler_fastapi.drf.views.documents import document_errors
from strangler_fastapi.errors import Unavailable


class Health(BaseModel):
    """All is well."""

    status: Literal["ok"]


def health_router(prefixes: ApiPrefixes, path: str = "/health", *, documented: bool = True) -> APIRouter:
    """A router of two paths below `path`: `live` and `ready`, which the OpenAPI document lists if `documented`."""
    router = APIRouter(prefix=prefixes.below(path), tags=["health"], include_in_schema=documented)
    router.get("/live", response_model=Health)(live)
    router.get("/ready", response_model=Health, responses=document_errors(503))(ready)
    return router


async def live() -> Response:
    """Whether the process answers; it queries nothing else."""
    return JsonResponse({"status": "ok"})


async def ready(request: Request) -> Response:
    """Whether the database answers and its tables hold what the service needs; if not, what is missing."""
    database: Database = request.app.state.database
    # At the start the database may be well a moment before the endpoints know it, and they answer 503 until then.
    problem = await database.probe() or database.problem
    if problem is not None:
        raise Unavailable(problem)
    return JsonResponse({"status": "ok"})
