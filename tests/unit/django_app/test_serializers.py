import pytest
from rest_framework.exceptions import ValidationError

from django_app.accounts.serializers import NormalizedEmailField, UsernameField
from django_app.blog.serializers import RecentPostsQuerySerializer, TagNamesField


def test_tag_names_are_trimmed_and_folded() -> None:
    assert TagNamesField().run_validation(["b", " a ", "b", "A"]) == ["b", "a", "A"]
    assert TagNamesField().run_validation([]) == []


@pytest.mark.parametrize("names", ["a", {"a": 1}, [""], ["x" * 51], [None], [["a"]], [True]])
def test_anything_but_a_list_of_short_names_is_refused(names: object) -> None:
    with pytest.raises(ValidationError):
        TagNamesField().run_validation(names)


def test_usernames_and_emails_are_folded_before_they_are_compared() -> None:
    assert UsernameField().run_validation("\uff41\ufb01") == "afi"
    assert NormalizedEmailField().run_validation("Me@EXAMPLE.com") == "Me@example.com"


@pytest.mark.parametrize(("query", "limit"), [({}, 10), ({"limit": "1"}, 1), ({"limit": "50.0"}, 50)])
def test_the_limit_has_a_default(query: dict[str, str], limit: int) -> None:
    serializer = RecentPostsQuerySerializer(data=query)
    serializer.is_valid(raise_exception=True)
    assert serializer.validated_data == {"limit": limit}
