"""Generated views over rows: built of DRF and of the library, each over a database of its own, and sent the same.

After each write all tables hold the same on both sides.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from django.conf import settings as djangos
from django.db import connection
from django.test import Client
from django.test.utils import override_settings
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from strangler_fastapi.application import create_application
from tests.asgi import answer_to
from tests.databases import empty_database
from tests.generated_rows.requests import KEYS, MADE, SENT, body_of
from tests.generated_rows.tables import FILL, MAPPING, MODELS, ROWS
from tests.generated_rows.views import drf_urls, library_router
from tests.shared_stack import StackAddresses
from tests.side_by_side import INTERNAL_ERROR, PREFIXES, BothSides, djangos_database, side_by_side

VIEWS, REQUESTS = 60, 25
MADE_NOW = re.compile(r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d+(?:Z|\+00)")


@dataclass
class Sides:
    """Both stacks, each with a connection that looks at its own tables."""

    both: BothSides
    django: psycopg.Connection
    library: psycopg.Connection
    seen: Counter[tuple[str, int]] = field(default_factory=Counter)

    def fill(self) -> None:
        for each in (self.django, self.library):
            each.execute(FILL)

    def rows(self) -> tuple[list[Any], list[Any]]:
        found = ([(table, timeless(row)) for table, row in side.execute(ROWS)] for side in (self.library, self.django))
        ours, theirs = (sorted(each) for each in found)
        return ours, theirs


def timeless(text: str) -> str:
    """The text with another word for the moments of the last minutes."""
    now = datetime.now(UTC)

    def named(found: re.Match[str]) -> str:
        moment = datetime.fromisoformat(found[0])
        return "NOW" if abs(now - moment) < timedelta(minutes=5) else found[0]

    return MADE_NOW.sub(named, text)


@pytest.fixture(scope="module")
def sides(stack: StackAddresses, worker_id: str, django_db_blocker: Any) -> Iterator[Sides]:
    with ExitStack() as opened:
        opened.enter_context(django_db_blocker.unblock())
        theirs, ours = (
            opened.enter_context(empty_database(admin_dsn=stack.admin_dsn, name=f"{name}_{worker_id}"))
            for name in ("rows_django", "rows_library")
        )
        for database in (ours, theirs):
            with djangos_database(database), connection.schema_editor() as editor:
                for model in MODELS:
                    editor.create_model(model)
        both = opened.enter_context(side_by_side(ours, views={}, routers=(), tables=MAPPING))
        opened.enter_context(djangos_database(theirs))
        looking = (opened.enter_context(psycopg.connect(each.owner_dsn, autocommit=True)) for each in (theirs, ours))
        yield Sides(both, *looking)


@contextmanager
def view_of(sides: Sides, made: dict[str, Any]) -> Iterator[Any]:
    """The library's application with the view, Django's URLs meanwhile."""
    urls: Any = ModuleType("urls_of_a_generated_view")
    urls.urlpatterns = drf_urls(made)
    app = create_application((library_router(made),), service="rows", prefixes=PREFIXES, database=lambda: None)  # type: ignore[arg-type, return-value] # that of the sides
    app.state.database = sides.both.app.state.database
    rest = djangos.REST_FRAMEWORK | {"LIST_SERIALIZER_ERRORS_AS_DICT": True}
    with override_settings(ROOT_URLCONF=urls, REST_FRAMEWORK=rest):
        yield app


def ask(sides: Sides, app: Any, made: dict[str, Any], sent: dict[str, Any]) -> bool:
    """Asks both sides; whether they can be asked on, since their rows are the same."""
    method, of = sent["method"], sent["of"]
    is_list = method == "POST" or (of < 0 and method in ("GET", "OPTIONS"))
    named = KEYS[made["lookup"]][of]
    narrowed = method == "GET" or sent["turn"] % 5 == 0
    query = sent["query"] | ({"ordering": sent["ordering"]} if sent["ordering"] else {}) if narrowed else {}
    url = f"/things/{'' if is_list else f'{named}/'}?{urlencode(query)}"
    kind, body = body_of(made, sent)
    ours = sides.both.runner.run(answer_to(app, method, url, {"Content-Type": kind, "X-Key": "1"}, body))
    django = Client(raise_request_exception=False, headers={"X-Key": "1"})
    theirs: Any = django.generic(method, url, body, content_type=kind)
    said = f"{method} {url} {body!r} {made}"
    if theirs.status_code != INTERNAL_ERROR:
        shown = timeless(ours[1].decode()), timeless(theirs.content.decode())
        answers = (ours[0], shown[0]), (theirs.status_code, shown[1])
        assert answers[0] == answers[1], "\n".join(["", *(f"{status} {text}" for status, text in answers), said])
        for name in ("allow", "content-type", "location", "vary"):
            assert ours[2].get(name) == theirs.headers.get(name), f"{name} of {said}"
    # What Django fails with, such as a row that PROTECT keeps, is a refusal of the library's.
    assert ours[0] < INTERNAL_ERROR, said
    sides.seen[method, theirs.status_code] += 1
    if method in ("GET", "OPTIONS"):
        return True
    rows = sides.rows()
    if theirs.status_code == INTERNAL_ERROR:
        return rows[0] == rows[1]
    assert rows[0] == rows[1], f"rows {[*zip(*rows, strict=False)]} of {said}"
    return True


def play(sides: Sides, made: dict[str, Any], sent: list[dict[str, Any]]) -> None:
    """Asks both sides of a new view a series of requests."""
    sides.fill()
    with view_of(sides, made) as app:
        for each in sent:
            if not ask(sides, app, made, each):
                sides.fill()


@pytest.mark.long
def test_generated_views_leave_the_rows_that_drfs_leave(sides: Sides) -> None:
    """60 views, each with 25 requests."""

    @given(made=MADE, sent=st.lists(SENT, min_size=REQUESTS, max_size=REQUESTS))
    @settings(
        max_examples=VIEWS,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    def check(made: dict[str, Any], sent: list[dict[str, Any]]) -> None:
        play(sides, made, sent)

    check()
    # Enough of each is written, and not refused.
    for method, status in (("POST", 201), ("PUT", 200), ("PATCH", 200), ("DELETE", 204), ("GET", 200)):
        assert sides.seen[method, status] >= VIEWS / 12, sides.seen
