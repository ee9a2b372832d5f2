"""The room for connections is what the server itself says."""

import psycopg

from strangler.deployment.connection_room import connections_result
from strangler.rollout.coverage import Level
from strangler.settings import LocalSettings
from tests.example import EXAMPLE


def test_the_server_is_asked_for_its_limits(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        ((most,),) = connection.execute("SELECT current_setting('max_connections')::int")
    # Three are kept for superusers.
    found = connections_result(LocalSettings(project=EXAMPLE, database_url=database_url))
    assert f"of PostgreSQL's {most - 3} connections" in found.sentence
    assert found.level is Level.OK
    more = LocalSettings(project=EXAMPLE, database_url=database_url, db_pool_max=256, fastapi_workers=16)
    assert connections_result(more).level is Level.FINDING
