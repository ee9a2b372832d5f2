import pytest
from django.test import RequestFactory
from rest_framework.request import Request

from django_app.blog.models import Post
from django_app.blog.views import PostViewSet
from django_app.config.lists import PagePagination, StableOrderingFilter


def ordering(query: str) -> list[str]:
    request = Request(RequestFactory().get(f"/?{query}"))
    return list(StableOrderingFilter().get_ordering(request, Post.objects.none(), PostViewSet()))


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("", ["-created_at", "-id"]),
        ("ordering=", ["-created_at", "-id"]),
        ("ordering=password", ["-created_at", "-id"]),
        ("ordering=title", ["title", "id"]),
        ("ordering=-title", ["-title", "-id"]),
        ("ordering=title,-created_at", ["title", "-created_at", "-id"]),
        ("ordering=-title,created_at", ["-title", "created_at", "id"]),
        ("ordering=password, title", ["title", "id"]),
        ("ordering=-id", ["-id"]),
        ("ordering=title,id", ["title", "id"]),
    ],
)
def test_every_ordering_ends_in_the_id(query: str, terms: list[str]) -> None:
    assert ordering(query) == terms


@pytest.mark.parametrize(
    ("query", "size"), [("", 20), ("page_size=5", 5), ("page_size=101", 100), ("page_size=-1", 20)]
)
def test_page_sizes_are_bounded(query: str, size: int) -> None:
    assert PagePagination().get_page_size(Request(RequestFactory().get(f"/?{query}"))) == size
