"""Background jobs: what Procrastinate's app is given once it is ready."""

from procrastinate import App

from django_app.config import logs
from shared_schema.job_requests import RequestJobManager


def request_ids_pass(app: App) -> None:
    """Have each job bear the id of the request that enqueued it (PROCRASTINATE_ON_APP_READY)."""
    app.job_manager = RequestJobManager(app.connector, request_id=logs.request_id, nothing=None, marks=True)
