"""Lists that are narrowed by filter sets, and what `strangler scaffold` writes of them: both are sent the same."""

import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from django.conf import settings
from django.contrib.postgres.lookups import Unaccent
from django.contrib.postgres.signals import get_hstore_oids, register_type_handlers
from django.db import connection, models
from django.test.utils import register_lookup
from django_filters.rest_framework import DjangoFilterBackend

from tests.databases import empty_database
from tests.narrowing.models import CONTRACT, FILL, MODELS, ROWS
from tests.narrowing.views import VIEWS
from tests.parameters import rest_long
from tests.scaffolds import Scaffolded, Sides, both_sides, scaffolded
from tests.shared_stack import StackAddresses

DJANGOS: dict[str, Any] = {
    "ROOT_URLCONF": "tests.narrowing.views",
    "REST_FRAMEWORK": settings.REST_FRAMEWORK | {"DEFAULT_PAGINATION_CLASS": None, "DEFAULT_THROTTLE_CLASSES": ()},
}


@pytest.fixture(scope="module", params=["UTC", "Europe/Berlin"])
def narrowed(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scaffolded]:
    given = DJANGOS | {"TIME_ZONE": request.param}
    # As django.contrib.postgres does among INSTALLED_APPS.
    with (
        register_lookup(models.CharField, Unaccent),
        scaffolded(tmp_path_factory.mktemp("narrowed"), CONTRACT, given) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def sides(stack: StackAddresses, worker_id: str, django_db_blocker: Any, narrowed: Scaffolded) -> Iterator[Sides]:
    with django_db_blocker.unblock(), ExitStack() as opened:
        databases = [
            opened.enter_context(empty_database(admin_dsn=stack.admin_dsn, name=f"{name}_{worker_id}"))
            for name in ("narrowed_library", "narrowed_django")
        ]
        for each in databases:
            with psycopg.connect(each.superuser_dsn, autocommit=True) as superuser:
                superuser.execute("CREATE EXTENSION hstore")
                superuser.execute("CREATE EXTENSION unaccent")
        made = opened.enter_context(both_sides(narrowed, databases, MODELS, fill=FILL, rows=ROWS))
        get_hstore_oids.cache_clear()
        register_type_handlers(connection)
        yield made


# What each filter is sent, and besides those whose parameters or columns are named so.
EVERY = ["", " ", "x", "1", "1,2", "1,,2", "2,", ",", "\x00", "true", "False"]
TEXTS: dict[str, list[str]] = {
    "name|state|any": ["a", "b", "Axe", "axe", "e", "new", "new,used", "new,x", "^A", "Café Éclair", "cafe", "lost"],
    "place|ton|depth|price|pieces|weight|year|month|day|week|quarter|hour|minute|second|cost|worth|sums|compared": [
        *(
            "1.5",
            "4.5",
            "-4.5",
            "20",
            "1.50,4",
            "1e60",
            "nan",
            "2025",
            "12",
            "10",
            "99999999999999999999",
            "2026",
            "30",
        ),
        *("0", "2", "4", "23", "59", ",2"),
    ],
    "made_on|made_at|opened_at|date|day|german|span|^on$": [
        *("2026-01-05", "2025-12-31", "12/31/2025", "Jan 5 2026", "2026-01-05,2025-12-31", "2026-13-01", "31.12.2025"),
        *("2026-02-30", "2025-12-31,2026-01-05", "0001-01-01", "2026-01-01,", ",2026-01-01"),
    ],
    "(made|opened|hours|from|iso)_at|before|iso|german_at|lately": [
        *("2025-12-31T23:00:00Z", "2026-01-05T00:30:00", "2026-01-05 00:30", "12/31/2025 23:00", "2026-03-29 02:30"),
        *("2026-10-25 02:30", "2026-10-25T02:30:00+01:00", "31.12.2025 23:00", "1/1/26 0:00"),
        *("2026-01-01T00:00:00+20:00", "9999-12-31T23:59:59", "0001-01-01T00:00:00", "2026-01-05T00:30:00,2026-03-29"),
    ],
    "opens|time|clock": ["10:20", "10:20:30.5", "10.20", "25:00", "23:59:59", "00:00", "10:20,11:00", "23:30", "22:59"],
    "lasts|serial": ["1 00:00:00", "PT2H", "00000000-0000-0000-0000-000000000002"],
    "lately": ["today", "yesterday", "week", "month", "year"],
}


def parameters(name: str) -> Iterator[tuple[str, str]]:
    """The filters of a view, and each parameter of theirs."""
    found = DjangoFilterBackend().get_filterset_class(VIEWS[name], VIEWS[name].queryset)
    for each, made in found.base_filters.items():
        widget = None if each.startswith("any_") else made.field.widget
        for end in getattr(widget, "suffixes", getattr(widget, "widgets_names", ("",))):
            yield each, f"{each}{end if end in ('', '_0', '_1') else f'_{end}' if end else ''}"


@pytest.mark.parametrize("name", rest_long(VIEWS))
def test_a_filter_is_written_as_django_filter_has_it(sides: Sides, name: str) -> None:
    tried: dict[str, set[Any]] = {}
    moments = re.compile("made_at|hours|opened_at|lately|day|^on$")
    is_utc = settings.TIME_ZONE == "UTC"
    for each, parameter in parameters(name):
        if not is_utc and not moments.search(each):
            continue
        texts = [text for words, texts in TEXTS.items() if re.search(words, each) for text in texts]
        for text in (*(EVERY if is_utc else EVERY[:1]), *texts):
            answer = sides.ask("GET", f"/{name}/?{parameter}={quote(text)}", None)
            tried.setdefault(each, set()).add(len(answer.json()) if answer.status_code == 200 else answer.status_code)
    # Each finds some rows by something; those with a lookup of its own need both.
    vague = {each for each, found in tried.items() if not (found & {1, 2, 3, 4} or found >= {0, 5})}
    assert vague <= {"compared", "named", "lately_by"}


SEARCHED = [
    *(
        "",
        "a",
        "Axe",
        "egg",
        "Égg",
        "ÉGG",
        "e_g",
        "strasse",
        "Straße",
        "cafe",
        "Café",
        "Cafe",
        "caf%C3%A9%20eclair",
        "1.50",
    ),
    *("4", "bow%20cafe", "bow,axe", "%25", "_", "%5C", "%22cafe%20e%22", "(", "%00", "^e", "str.", "Café Éclair"),
]


@pytest.mark.parametrize(("name", "parameter"), [("unaccented", "search"), ("pattern", "search"), ("named", "q")])
def test_a_search_is_written_as_drf_has_it(sides: Sides, name: str, parameter: str) -> None:
    found = set()
    for text in SEARCHED:
        answer = sides.ask("GET", f"/{name}/?{parameter}={text}", None)
        found |= {len(answer.json())} if answer.status_code == 200 else set()
    assert found & {1, 2, 3}
    assert found & {0, 5}


@pytest.mark.parametrize("text", ["name", "-name", "-shop__name,name", "price", "-price,x", "x", "", "-id", "--name"])
def test_an_order_has_the_parameter_of_its_backend(sides: Sides, text: str) -> None:
    for parameter in ("sort", "ordering"):
        sides.ask("GET", f"/named/?{parameter}={text}", None)


def test_a_filter_that_is_lenient_says_no_more_than_what_it_can_read(sides: Sides) -> None:
    found = set()
    for query in (
        *("", "pieces=x", "pieces=1&state=nope", "state=new&shop=9", "shop=x&pieces=1", "any_name=nobody&state=new"),
        *(
            "price_min=x&price_max=5",
            "price_min=2&price_max=5",
            "shops=1&shops=9",
            "shops=1&shops=2",
            "shops=x&pieces=2",
        ),
    ):
        found.add(len(sides.ask("GET", f"/lenient/?{query}", None).json()))
    assert found >= {1, 2, 3, 5}


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("compared", ["1", "2", "x", "", "1e60", "99999999999999999999"]),
        ("named", ["Axe", "e", "", "%00", "b"]),
        ("lately_by", ["2026-01-05 00:30", "x", "2026-03-29 02:30", "2026-01-01T00:00:00%2B20:00"]),
    ],
)
def test_a_value_is_compared_by_the_lookup_that_is_sent(sides: Sides, name: str, texts: list[str]) -> None:
    found = set()
    for text in texts:
        for lookup in ("", "exact", "gt", "lte", "icontains", "startswith", "x"):
            answer = sides.ask("GET", f"/declared/?{name}={text}&{name}_lookup={lookup}", None)
            found |= {len(answer.json())} if answer.status_code == 200 else set()
    assert found & {1, 2, 3, 4}


def test_a_filter_set_orders_a_list(sides: Sides) -> None:
    found = set()
    for text in (
        "",
        "cost",
        "-cost",
        "name,-cost",
        "-shop,cost",
        "place,name",
        "price",
        "cost,",
        ",",
        "x",
        "-",
        "cost,x",
    ):
        for query in (f"o={text}", f"o={text}&state=new", f"o={text}&state=x", f"state=new&o={text}&some=pieces"):
            answer = sides.ask("GET", f"/ordered/?{query}", None)
            found.add(answer.content)
    assert len(found) > 12
    sides.ask("GET", "/ordered/?some=pieces", None)
    sides.ask("GET", "/ordered/?some=-pieces", None)
    sides.ask("GET", "/ordered/1/?o=x", None)


@pytest.mark.parametrize(
    "query", ["", "ordering=price", "ordering=-made_at", "ordering=serial", "ordering=-name,price", "ordering=x"]
)
def test_pages_begin_at_a_position_in_the_order_that_is_asked_for(sides: Sides, query: str) -> None:
    for url in (f"/positions/?{query}", f"/positions/?{query}&state=new"):
        for way in ("next", "previous"):
            walked, found = url, []
            while walked:
                page = sides.ask("GET", walked.removeprefix("http://testserver"), None).json()
                found += [each["id"] for each in page["results"]]
                url, walked = walked, page[way]
            assert len(found) == len({*found})
            assert len(found) >= 2


@pytest.mark.parametrize("order", ["pieces", "-pieces"])
def test_pages_begin_at_a_position_that_no_column_has(sides: Sides, order: str) -> None:
    for position in (2**31 - 1, 2**31, -(2**31) - 1, 10**20, -(10**20)):
        for reverse in ("", "r=1&"):
            cursor = b64encode(f"{reverse}p={position}".encode()).decode()
            sides.ask("GET", f"/positions/?ordering={order}&cursor={quote(cursor)}", None)


def test_pages_by_other_positions_are_gaps(sides: Sides) -> None:
    """DRF fails as soon as such a page has a next one."""
    client = sides.both.library
    for term in ("weight", "shop__name"):
        answer = sides.both.runner.run(client.get(f"/positions/?ordering={term}"))
        assert answer.status_code == 501


@pytest.mark.parametrize("names", ["depths_min depths_max", "depths_over_min depths_over_max", "tons_min tons_max"])
def test_a_range_is_compared_with_that_of_both_ends(sides: Sides, names: str) -> None:
    first, second = names.split()
    found = set()
    for least, most in (
        *(("1", "5"), ("1.5", "2.5"), ("", "2"), ("1", ""), ("x", "1"), ("x", "y"), ("5", "1"), ("2", "2"), ("", "")),
        *(("-1e60", "1e60"), ("7", "99999999999999999999"), ("1", "9")),
    ):
        answer = sides.ask("GET", f"/postgres/?{first}={least}&{second}={most}", None)
        found |= {len(answer.json())} if answer.status_code == 200 else set()
    assert found & {1, 2, 3, 4}


def test_ends_of_which_another_widget_has_the_names_are_compared(sides: Sides) -> None:
    for query in ("depths_within_from=1&depths_within_to=9", "depths_within_from=1.5", "depths_within_min=1"):
        sides.ask("GET", f"/postgres/?{query}", None)
