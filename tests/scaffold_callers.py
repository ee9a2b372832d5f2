"""Callers of scaffolded views: both stacks with tokens of a few users, and what both answer each of them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from django.conf import settings as djangos
from django.db import models
from rest_framework_simplejwt.tokens import AccessToken

from django_app.accounts.models import User
from shared_schema.contract.contract import Contract
from strangler_fastapi.auth.tokens import Tokens
from tests.databases import migrated_database
from tests.scaffolds import Scaffolded, Sides, both_sides

# The keys of the users whom the rows of these tests name; kim is staff.
CALLERS = {"nobody": None, "ann": 901, "bob": 902, "kim": 903}


@contextmanager
def sides_of_callers(
    found: Scaffolded,
    contract: Contract,
    made: Sequence[type[models.Model]],
    *,
    admin_dsn: str,
    name: str,
    **rows: str,
) -> Iterator[Sides]:
    """Both stacks, each over a database `name` of its own with the example's users; `rows` as of `both_sides`."""
    assert contract.token_settings is not None
    tokens = Tokens(djangos.SIMPLE_JWT["SIGNING_KEY"], contract.token_settings)
    authenticators = found.module("accounts").AUTHENTICATORS
    with ExitStack() as opened:
        databases = [
            opened.enter_context(migrated_database(admin_dsn=admin_dsn, name=f"{side}_{name}"))
            for side in ("library", "django")
        ]
        state = {"tokens": tokens}
        yield opened.enter_context(
            both_sides(found, databases, made, state=state, authenticators=authenticators, **rows)
        )


def ask(sides: Sides, caller: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """What both answer a caller."""
    key = CALLERS[caller]
    signed = {"Authorization": f"Bearer {token_of(key)}"} if key else {}
    return sides.ask(method, path, body, signed | headers)


def token_of(key: int) -> AccessToken:
    """A token of the user with that key."""
    return AccessToken.for_user(User(pk=key, password="!"))
