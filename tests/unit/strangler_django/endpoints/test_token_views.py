"""A serializer of simplejwt's that a project derives is read as what it adds; one that does more says what."""

from typing import Any

import pytest
from rest_framework_simplejwt import views

from strangler_django.endpoints.views import view_facts
from tests.handlers.sign_ins import GAPS, AnswerSerializer, CookieView, UserSerializer

SERIALIZERS = "rest_framework_simplejwt.serializers"


def facts_of(view: Any) -> Any:
    return view_facts(view, "post", None, {})["token_view"]


@pytest.mark.parametrize("serializer", GAPS, ids=lambda each: each.__name__)
def test_one_that_does_more_says_what(serializer: type) -> None:
    found = facts_of(views.TokenObtainPairView.as_view(serializer_class=serializer))
    assert found["gap"] == GAPS[serializer]
    assert found["serializer"] == f"{SERIALIZERS}.TokenObtainPairSerializer"


def test_what_is_added_keeps_its_order() -> None:
    found = facts_of(views.TokenObtainPairView.as_view(serializer_class=AnswerSerializer))
    (claims, constant), answer = found["claims"], found["answer"]
    assert [each["name"] for each in claims["serializer"]["fields"]] == [
        "username",
        "is_staff",
        "name",
        "email",
        "role",
    ]
    assert constant == {"name": "issued_by", "value": "shop"}
    assert [each["name"] for each in answer] == ["user", None, "message", None, None]
    assert answer[0]["serializer"]["class"] == f"{UserSerializer.__module__}.UserSerializer"


def test_views_are_those_of_simplejwt_whatever_serializer_the_settings_name(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = facts_of(views.TokenObtainPairView.as_view())
    assert usual["view"] == "rest_framework_simplejwt.views.TokenObtainPairView"
    monkeypatch.setattr(views.TokenObtainPairView, "_serializer_class", "tests.handlers.sign_ins.ClaimsSerializer")
    assert facts_of(views.TokenObtainPairView.as_view())["claims"]
    # The project's own, which the contract knows of.
    refresh = {"view": "rest_framework_simplejwt.views.TokenRefreshView"}
    assert facts_of(views.TokenRefreshView.as_view()) == refresh | {
        "serializer": f"{SERIALIZERS}.TokenRefreshSerializer"
    }
    assert facts_of(CookieView.as_view())["gap"] == "CookieView.post is your own"
