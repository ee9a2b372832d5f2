"""What the services may open is held against what PostgreSQL allows."""

from strangler.deployment.connection_room import connections_result, local_result
from strangler.rollout.coverage import Level
from strangler.settings import LocalSettings
from tests.clusters import SHOP, project_with
from tests.example import EXAMPLE


def settings(**changes: object) -> LocalSettings:
    return LocalSettings(project=EXAMPLE, **changes)


def test_workers_times_pools_have_to_fit() -> None:
    found = local_result(settings(), most=100, reserved=3)
    assert found.level is Level.OK
    assert found.sentence == (
        "up to 40 of PostgreSQL's 97 connections: django 20 (2 workers with 10 each), "
        "fastapi 20 (2 workers with 10 each) (max_connections 100, 3 reserved)."
    )
    many = local_result(settings(django_workers=8), most=100, reserved=3)
    assert many.level is Level.FINDING
    assert many.sentence.endswith(
        "reserved): lower DB_POOL_MAX, DJANGO_WORKERS or FASTAPI_WORKERS, or raise max_connections."
    )
    assert local_result(settings(django_workers=7), most=100, reserved=10).level is Level.OK


def test_without_a_pool_each_thread_has_one() -> None:
    shop = LocalSettings(project=SHOP, django_threads=6)
    assert "django 12 (2 workers with 6 each)" in local_result(shop, most=100, reserved=3).sentence


def test_those_of_a_cluster_are_of_its_project_file() -> None:
    fits = LocalSettings(project=EXAMPLE, gateway="kubernetes")
    assert connections_result(fits).sentence.startswith("up to 92 of PostgreSQL's 97 connections")
    more = LocalSettings(project=project_with(EXAMPLE, fastapi={"pool": 9}), gateway="kubernetes")
    found = connections_result(more)
    assert (found.level, "may open 142 connections" in found.sentence) == (Level.FINDING, True)
