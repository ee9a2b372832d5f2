"""The demo users are found, as long as one can sign in."""

import psycopg
import pytest
from django.db import connection

from django_app.accounts.models import User
from django_app.config.demo_accounts import demo_accounts_left
from tests.integration.django_app.conftest import PASSWORD


@pytest.mark.django_db(transaction=True)
def test_the_demo_users_with_the_demo_password_are_found() -> None:
    info = connection.settings_dict
    url = psycopg.conninfo.make_conninfo(
        dbname=info["NAME"], user=info["USER"], password=info["PASSWORD"], host=info["HOST"], port=info["PORT"]
    )
    assert demo_accounts_left(url=url, passwords=frozenset({PASSWORD})) == []
    for name in ("alice", "bob", "carol"):
        User.objects.create_user(username=name, email=f"{name}@example.com", password=PASSWORD)
    assert demo_accounts_left(url=url, passwords=frozenset({PASSWORD, "another"})) == ["alice", "bob"]
    User.objects.filter(username="bob").update(is_active=False)
    assert demo_accounts_left(url=url, passwords=frozenset({PASSWORD})) == ["alice"]
    assert demo_accounts_left(url=url, passwords=frozenset({"another"})) == []
