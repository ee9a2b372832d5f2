import pytest
from rest_framework.test import APIClient

from django_app.blog.models import Tag
from tests.integration.django_app.conftest import MakePost


@pytest.fixture
def tag() -> Tag:
    return Tag.objects.create(name="python")


def test_everybody_reads_tags_with_their_counts(anonymous: APIClient, tag: Tag, make_post: MakePost) -> None:
    make_post(tags=["zope", "python"])
    make_post(tags=["zope"], published=True)
    body = anonymous.get("/api/tags/").json()
    assert [(row["name"], row["post_count"]) for row in body["results"]] == [("python", 1), ("zope", 2)]
    assert anonymous.get(f"/api/tags/{tag.pk}/").json() == {"id": tag.pk, "name": "python", "post_count": 1}
    names = [row["name"] for row in anonymous.get("/api/tags/?ordering=-post_count").json()["results"]]
    assert names == ["zope", "python"]
    assert anonymous.get("/api/tags/?search=YTH").json()["count"] == 1


def test_signed_in_callers_add_tags(anonymous: APIClient, as_alice: APIClient) -> None:
    assert anonymous.post("/api/tags/", {"name": "new"}).status_code == 401
    response = as_alice.post("/api/tags/", {"name": "new"})
    assert response.status_code == 201
    assert response.json() == {"id": Tag.objects.get().pk, "name": "new", "post_count": 0}


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("python", "tag with this name already exists."),
        (" ", "This field may not be blank."),
        ("x" * 51, "Ensure this field has no more than 50 characters."),
    ],
)
@pytest.mark.usefixtures("tag")
def test_names_are_validated(as_alice: APIClient, name: str, error: str) -> None:
    response = as_alice.post("/api/tags/", {"name": name})
    assert (response.status_code, response.json()) == (400, {"name": [error]})


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_only_staff_change_and_delete(as_alice: APIClient, anonymous: APIClient, tag: Tag, method: str) -> None:
    assert getattr(anonymous, method)(f"/api/tags/{tag.pk}/", {"name": "x"}).status_code == 401
    assert getattr(as_alice, method)(f"/api/tags/{tag.pk}/", {"name": "x"}).status_code == 403


def test_staff_rename_and_delete(as_admin: APIClient, tag: Tag, make_post: MakePost) -> None:
    post = make_post(tags=["python"])
    assert as_admin.patch(f"/api/tags/{tag.pk}/", {"name": "py"}).json() == {
        "id": tag.pk,
        "name": "py",
        "post_count": 1,
    }
    assert [row.name for row in post.tags.all()] == ["py"]
    assert as_admin.patch(f"/api/tags/{tag.pk}/", {}).status_code == 200
    assert as_admin.delete(f"/api/tags/{tag.pk}/").status_code == 204
    assert not post.tags.exists()
