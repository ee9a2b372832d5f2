"""The application's settings under test."""

from pydantic import SecretStr

from fastapi_app.config import Settings
from tests.integration.fastapi_app.running import JWT_KEY


def app_settings(url: str, *, pool_max: int = 5, report_sql: bool = False, replica_url: str = "") -> Settings:
    """What isn't given is the same in every test."""
    return Settings(
        fastapi_database_url=url,
        fastapi_replica_url=replica_url,
        jwt_signing_key=SecretStr(JWT_KEY),
        allowed_hosts="testserver",
        db_pool_max=pool_max,
        report_sql=report_sql,
    )
