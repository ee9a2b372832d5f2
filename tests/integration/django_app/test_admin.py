import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from django_app.accounts.models import User
from tests.integration.django_app.conftest import PASSWORD, MakePost


def test_staff_sign_in_and_others_do_not(client: Client, admin: User, alice: User) -> None:
    for user, status in ((alice, 200), (admin, 302)):
        response = client.post("/admin/login/", {"username": user.username, "password": PASSWORD})
        assert response.status_code == status


@pytest.mark.parametrize("path", ["accounts/user", "blog/post", "blog/tag"])
def test_each_model_has_its_pages(client: Client, admin: User, make_post: MakePost, path: str) -> None:
    post = make_post(tags=["a"])
    pk = {"accounts/user": admin.pk, "blog/post": post.pk, "blog/tag": post.tags.get().pk}[path]
    client.force_login(admin)
    for page in ("", "?q=a", "add/", f"{pk}/change/"):
        assert client.get(f"/admin/{path}/{page}").status_code == 200


def test_a_user_is_added_with_an_email(client: Client, admin: User) -> None:
    client.force_login(admin)
    values = {"username": "carol", "email": "carol@example.com", "password1": PASSWORD, "password2": PASSWORD}
    response = client.post("/admin/accounts/user/add/", values | {"usable_password": "true"})
    assert response.status_code == 302
    assert User.objects.get(username="carol").check_password(PASSWORD)


def test_its_style_sheet_is_served(client: Client) -> None:
    response = client.get("/static/admin/css/base.css")
    assert (response.status_code, response["Content-Type"]) == (200, "text/css")
    response.close()
    assert client.get("/static/../manage.py").status_code == 400


def test_staff_that_may_change_users_changes_none_of_more_rights(
    client: Client, admin: User, alice: User, bob: User
) -> None:
    """Django itself warns: who may change users may become a superuser."""
    bob.is_staff = True
    bob.save()
    bob.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "delete_user", "view_user"]))
    client.force_login(bob)
    assert client.get(f"/admin/accounts/user/{alice.pk}/password/").status_code == 200
    assert client.get(f"/admin/accounts/user/{admin.pk}/password/").status_code == 403
    assert client.get(f"/admin/accounts/user/{admin.pk}/delete/").status_code == 403
    page = client.get(f"/admin/accounts/user/{bob.pk}/change/").content.decode()
    assert 'name="username"' in page
    assert 'name="is_superuser"' not in page
    assert 'name="user_permissions"' not in page
