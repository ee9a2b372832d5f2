"""What lists of endpoints say once, since most of them have it."""

import pytest

from strangler.adoption.django_settings import DjangoSettings
from strangler.adoption.endpoints import DjangoEndpoint
from strangler.adoption.scaffold.written_endpoint import WrittenEndpoint
from strangler.cli.output import shared_by_most
from strangler.cli.scaffold import _report_settings
from strangler.routes.route import Route, Stage


def test_a_gap_of_most_endpoints_is_said_once() -> None:
    gaps = [["throttle"], ["throttle", "throttle"], ["throttle", "own"], ["throttle"], ["own"]]
    made = [endpoint(each).all_gaps for each in gaps]
    assert shared_by_most(made) == {"throttle": 4}
    assert shared_by_most(made[:3]) == {}


def test_what_django_does_around_every_view_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    names = (
        "django.middleware.common.CommonMiddleware",
        "harbour.OnlyMembers",
        "corsheaders.middleware.CorsMiddleware",
    )
    _report_settings(DjangoSettings(middleware=names, unfollowed={"handler404": "harbour.lost"}))
    middleware, setting = capsys.readouterr().out.splitlines()
    assert middleware.startswith("note every endpoint          harbour.OnlyMembers is not written: FastAPI lets in")
    assert setting.startswith("note every endpoint          handler404 is harbour.lost, which FastAPI goes without")


def endpoint(gaps: list[str]) -> WrittenEndpoint:
    django = DjangoEndpoint(path="/api/boats/", method="GET", kind="viewset", view="harbour.api.Boats")
    route = Route(name="boats.list", methods=("GET",), path="/boats/", stage=Stage.LEGACY)
    return WrittenEndpoint(django, route, gaps=gaps)
