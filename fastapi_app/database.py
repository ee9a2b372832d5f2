"""The service's database; without the application, whose routers and admin the worker of jobs has no use for."""

from fastapi_app.config import NAME, Settings
from fastapi_app.consumer import CONSUMER_FILE
from fastapi_app.models import BLOG
from shared_schema.consumer.consumer import load_consumer
from strangler_fastapi.db.engine import Database


def open_database(settings: Settings, *, url: str) -> Database:
    """The database at `url`, as libpq has it."""
    return Database(
        url,
        setting="FASTAPI_DATABASE_URL",
        pooler_url=settings.fastapi_pooler_url if url == settings.fastapi_database_url else "",
        replica_url=settings.fastapi_replica_url if url == settings.fastapi_database_url else "",
        service=NAME,
        mapping=BLOG,
        consumer=load_consumer(CONSUMER_FILE),
        optional=("admin",),
        pool_max=settings.db_pool_max,
        statement_seconds=settings.statement_timeout,
        report_sql=settings.report_sql,
    )
