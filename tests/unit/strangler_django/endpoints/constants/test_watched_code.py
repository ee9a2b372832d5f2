"""Code of a project that may give something else at the next request: each of these would show rows of another."""

import contextvars
import functools
import gc
import os
import random
import threading
import time
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection, models
from django.db.models import Count, F, Q
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from django_app.blog.models import Post
from strangler_django.endpoints.constants.watched_code import state_read

LOCAL = threading.local()
CONTEXT: Any = contextvars.ContextVar("CONTEXT", default=None)
NAMESPACE = SimpleNamespace(tenant=None)
LAZY = SimpleLazyObject(lambda: None)
LOADED = date.today()  # noqa: DTZ011 - as projects write it
KEPT: dict[str, Any] = {}
STATES = {"draft": False, "published": True}
current: Any = None
SHOWN = True


class Tenant:
    active: Any = None
    limit = 3

    @classmethod
    def activate(cls, found: Any) -> None:
        cls.active = found

    @classmethod
    def current(cls) -> Any:
        return cls.active


def activate(found: Any) -> None:
    global current
    current = found
    KEPT["tenant"] = found


class Held:
    tenant: Any = None


HELD: dict[str, Any] = {}
HOLDINGS: dict[str, Any] = {}


def holder() -> Any:
    return Held


def holdings() -> Any:
    return HELD


def more_holdings() -> Any:
    return HOLDINGS


def hold(found: Any) -> None:
    holder().tenant = found
    holdings()["tenant"] = found
    more_holdings().update(tenant=found)


def kept_by_thread() -> Any:
    return getattr(LOCAL, "tenant", None)


@functools.lru_cache
def remembered() -> Any:
    return None


def through_others() -> Any:
    return next(kept_by_thread() for _ in range(1))


def rows() -> Any:
    return Post.objects.all()


def swallowed() -> Any:
    try:
        return rows().filter(pk=Post.objects.first())
    except Exception:  # noqa: BLE001 - as projects write it
        return rows()


def imported() -> Any:
    from tests.unit.strangler_django.endpoints.test_watched_code import current as found

    return rows().filter(author=found) if found else rows()


def only_if_active(found: Any = Tenant) -> Any:
    return rows() if found.active is None else rows().filter(author=found.active)


def of_class() -> Any:
    return type(Tenant()).active


class Keeping(models.Manager[Post]):
    shown: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.model = Post
        self.state = threading.local()

    def choose(self, shown: Any) -> None:
        self.shown = shown

    def chosen(self) -> Any:
        return self.filter(published=self.shown) if self.shown else self.all()

    def stated(self) -> Any:
        return getattr(self.state, "tenant", None)


@pytest.mark.parametrize(
    "call",
    [
        lambda: rows().filter(author=kept_by_thread()),
        through_others,
        lambda: rows().filter(author=holder().tenant) if holder().tenant else rows(),
        lambda: Held.tenant,
        lambda: holdings().get("tenant"),
        lambda: more_holdings().get("tenant"),
        lambda: getattr(LOCAL, "tenant", None),
        lambda: CONTEXT.get(),
        lambda: NAMESPACE.tenant,
        lambda: bool(LAZY),
        lambda: rows().filter(created_at__date=LOADED),
        lambda: rows().filter(created_at__gte=timezone.now()),
        lambda: rows().filter(created_at__date=date.today()),  # noqa: DTZ011 - as above
        lambda: rows().filter(title=get_language()),
        lambda: rows()[: random.randint(1, 3)],  # noqa: S311 - as above
        lambda: cache.get("tenant"),
        lambda: settings.SITE_ID if hasattr(settings, "SITE_ID") else settings.DEBUG,
        lambda: connection.vendor,
        lambda: KEPT.get("tenant"),
        lambda: current or rows(),
        imported,
        Tenant.current,
        only_if_active,
        of_class,
        lambda: remembered(),
        lambda: Post.objects.first(),
        swallowed,
        Keeping().chosen,
        Keeping().stated,
        lambda: os.environ.get("TENANT"),
    ],
)
def test_what_may_be_another_at_the_next_request_is_named(call: Any) -> None:
    assert state_read(call) is not None


class Published(models.QuerySet[Post]):
    def published(self) -> Any:
        return self.filter(published=SHOWN).exclude(Q(title="") | Q(title__startswith="_"))


class PublishedManager(models.Manager[Post]):
    def __init__(self, only: bool) -> None:
        super().__init__()
        self.model, self.only = Post, only

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(published=self.only)


def in_branches(state: str = "published") -> Any:
    found = rows().annotate(number=Count("tags") + F("author_id"))
    if state in STATES:
        found = found.filter(published=STATES[state], tags__id__in=[each + 1 for each in range(Tenant.limit)])
    return found.order_by(*(f"-{name}" for name in sorted({"id", "title"}))).select_related("author")


@pytest.mark.parametrize(
    "call",
    [
        rows,
        lambda: Published.as_manager().__class__,
        lambda: Published(Post).published().distinct(),
        PublishedManager(only=True).all,
        in_branches,
    ],
)
def test_what_is_built_of_constants_is_the_same_each_time(call: Any) -> None:
    assert state_read(call) is None


def test_what_a_collection_of_garbage_calls_is_none_of_the_calls() -> None:
    collected: list[float] = []

    def time_collection(_phase: str, _info: Any) -> None:
        collected.append(time.monotonic())

    def cyclic() -> Any:
        for _ in range(5000):
            one: list[Any] = []
            one.append(one)
        return rows()

    gc.callbacks.append(time_collection)
    try:
        cyclic()
        assert collected
        assert state_read(cyclic) is None
    finally:
        gc.callbacks.remove(time_collection)
    assert gc.isenabled()
