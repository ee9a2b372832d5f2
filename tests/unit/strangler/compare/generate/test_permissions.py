"""What a view's permissions say of a user before anything is requested."""

import pytest

from strangler.compare.generate.permissions import Permissions
from strangler.compare.generate.stored import StoredUser

DRF = "rest_framework.permissions."
RULES = {
    "shop.OfOwner": {
        "request": ["caller", "is_authenticated"],
        "row": ["or", ["methods", "GET"], ["owner", "owner"], ["caller", "is_superuser"]],
    },
    "shop.Closed": {"request": ["not", ["methods", "DELETE"]], "row": True},
}


def user(**flags: bool) -> StoredUser:
    given = {"is_staff": False, "is_superuser": False, "is_active": True, "can_sign_in": True} | flags
    return StoredUser(name="ann", identity=1, **given)


def allowed(
    *classes: str, method: str = "POST", owns: bool | None = None, holds: bool | None = None, **flags: bool
) -> bool | None:
    permissions = Permissions(classes=classes, rules=RULES)
    return permissions.allow(user(**flags), method=method, owns=owns, has_model_permission=lambda: holds)


def test_those_of_drf_are_known() -> None:
    assert allowed() is allowed(f"{DRF}AllowAny") is allowed(f"{DRF}IsAuthenticatedOrReadOnly") is True
    assert allowed(f"{DRF}IsAdminUser") is False
    assert allowed(f"{DRF}IsAdminUser", is_staff=True) is True


@pytest.mark.parametrize("holds", [True, False, None])
def test_the_models_permission_is_looked_up_and_a_superuser_has_all(holds: bool | None) -> None:
    assert allowed(f"{DRF}DjangoModelPermissions", holds=holds) is holds
    assert allowed("shop.StrictModelPermissions", holds=False, is_superuser=True) is True


def test_rules_of_the_project_look_at_method_caller_and_owner() -> None:
    assert [allowed("shop.OfOwner", owns=owns) for owns in (True, False, None)] == [True, False, None]
    assert allowed("shop.OfOwner", owns=False, is_superuser=True) is True
    assert [allowed("shop.Closed", method=method) for method in ("PUT", "DELETE")] == [True, False]


def test_what_cannot_be_read_is_not_guessed() -> None:
    assert allowed("shop.views.make.<locals>.Own") is None
    assert allowed("shop.Own", f"{DRF}IsAdminUser") is False
    assert allowed(f"(shop.Own | {DRF}IsAdminUser)") is None
    assert allowed(f"(shop.Own | {DRF}IsAdminUser)", is_staff=True) is True
    assert allowed(f"(~{DRF}IsAdminUser & shop.Closed)") is True
