"""`health/live` and `health/ready`, for whoever starts and watches the service."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from fastapi_app.config import PREFIXES
from strangler_fastapi.db.engine import Database
from strangler_fastapi.drf.documents import document_errors
from strangler_fastapi.drf.rendering import JsonResponse
from strangler_fastapi.errors import Unavailable

router = APIRouter(prefix=PREFIXES.below("/health"), tags=["health"])


class Health(BaseModel):
    """All is well."""

    status: Literal["ok"]


@router.get("/live", response_model=Health)
async def live() -> Response:
    """Whether the process answers; it asks nothing else."""
    return JsonResponse({"status": "ok"})


@router.get("/ready", response_model=Health, responses=document_errors(503))
async def ready(request: Request) -> Response:
    """Whether the database answers and its tables hold what the service needs; if not, what is missing."""
    database: Database = request.app.state.database
    # At the start the database may be well a moment before the endpoints know it, and they answer 503 until then.
    problem = await database.check() or database.problem
    if problem is not None:
        raise Unavailable(problem)
    return JsonResponse({"status": "ok"})
