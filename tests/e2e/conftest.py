"""Gateways of a test's own, in front of the run's two stacks."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from strangler.routes.route import RequestLimit
from tests.gateways import Gateway, gateway, routes_at, routes_with
from tests.shared_stack import StackAddresses

MakeGateway = Callable[..., Gateway]


@pytest.fixture
def make_gateway(stack: StackAddresses) -> Iterator[MakeGateway]:
    """Starts an nginx with routes at other stages, other fields of routes, other settings or another upstream."""
    with ExitStack() as running:

        def make(
            stages: Mapping[str, str] | None = None,
            *,
            throttle: RequestLimit | None = None,
            routes: Mapping[str, Mapping[str, Any]] | None = None,
            django: str = stack.django_url,
            fastapi: str = stack.fastapi_url,
            **changes: object,
        ) -> Gateway:
            table = routes_at(stages or {}, throttle=throttle)
            for name, fields in (routes or {}).items():
                table = routes_with(table, name, **fields)
            return running.enter_context(gateway(table, django=django, fastapi=fastapi, **changes))

        yield make
