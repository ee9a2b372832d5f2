"""Bodies are taken and refused as by DRF's serializers, in the same words and order."""

import json
from typing import Any, cast

import pytest
from django.http import QueryDict
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.exceptions import _get_full_details
from rest_framework.metadata import SimpleMetadata
from sqlalchemy.ext.asyncio import AsyncSession

from strangler_fastapi.drf.fields.collection_fields import ListField
from strangler_fastapi.drf.fields.fields import BooleanField, CharField, ReadOnlyField, Scope
from strangler_fastapi.drf.http.bodies import Form
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.errors import ValidationFailed, full_details

# No field here asks the database.
SCOPE = Scope(session=cast("AsyncSession", None))

POST = Serializer(
    "Post",
    {
        "id": ReadOnlyField(type="integer", label="ID"),
        "title": CharField(max_length=8, min_length=2),
        "content": CharField(trim=False),
        "tags": ListField(child=CharField(max_length=5), required=False, max_length=3, min_length=1),
        "published": BooleanField(required=False),
    },
)


class Post(serializers.Serializer[Any]):
    id = serializers.IntegerField(read_only=True, label="ID")
    title = serializers.CharField(max_length=8, min_length=2)
    content = serializers.CharField(trim_whitespace=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=5), required=False, max_length=3, min_length=1)
    published = serializers.BooleanField(required=False)


ANY_TEXT = st.text(st.characters(), max_size=12) | st.sampled_from(["", " ", "\t a \n", "\x00", "true", "Off", "null"])
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda values: st.lists(values, max_size=2) | st.dictionaries(ANY_TEXT, values, max_size=2),
    max_leaves=4,
)
BODIES = st.fixed_dictionaries({}, optional=dict.fromkeys((*POST.fields, "unknown"), ANY_JSON))
FORM_NAMES = st.sampled_from(["title", "content", "tags", "tags[0]", "tags[1]", "tags[10]", "published", "id", "x"])
FORMS = st.lists(st.tuples(FORM_NAMES, ANY_TEXT), max_size=6)


def drf_answer(data: Any, *, partial: bool) -> Any:
    """The cleaned values, or the errors as they are sent."""
    serializer = Post(data=data, partial=partial)
    if serializer.is_valid():
        return dict(serializer.validated_data)
    return {"errors": json.loads(json.dumps(_get_full_details(serializer.errors)))}


async def answer(data: Any, *, partial: bool) -> Any:
    try:
        return await POST.validate(data, SCOPE, partial=partial)
    except ValidationFailed as error:
        return {"errors": full_details(error.body)}


@given(data=BODIES)
@example(data={"title": "a\x00\ud800", "content": "\udfff", "tags": ["", None, 5, "toolong"], "published": None})
@example(data={"title": 1.50, "content": 10**400, "tags": {"a": 1}, "published": "YES"})
@example(data={"title": True, "content": [], "tags": "x", "published": [1]})
@example(data={"title": " a ", "content": "\u00a0", "tags": [], "published": 1.0})
@pytest.mark.parametrize("partial", [False, True])
async def test_json_is_taken_or_refused_as_in_drf(partial: bool, data: dict[str, Any]) -> None:
    assert await answer(data, partial=partial) == drf_answer(data, partial=partial)


@given(pairs=FORMS)
@example(pairs=[("title", "ab"), ("content", "x")])
@example(pairs=[("title", "ab"), ("content", "x"), ("tags", ""), ("published", "")])
@example(pairs=[("tags[1]", "b"), ("tags[0]", "a"), ("tags", "c"), ("tags", "d")])
@pytest.mark.parametrize("partial", [False, True])
async def test_forms_are_too(partial: bool, pairs: list[tuple[str, str]]) -> None:
    form = QueryDict(mutable=True)
    for name, value in pairs:
        form.appendlist(name, value)
    assert await answer(Form(pairs), partial=partial) == drf_answer(form, partial=partial)


@pytest.mark.parametrize("data", [{}, None, [], [1], "x", 5, 1.5, True, {"Title": "x", "content": None}], ids=repr)
async def test_what_is_missing_is_reported_in_drfs_words_and_order(data: Any) -> None:
    found = await answer(data, partial=False)
    assert json.dumps(found) == json.dumps(drf_answer(data, partial=False))


def test_options_describes_a_body_as_drf_does() -> None:
    assert json.dumps(POST.describe()) == json.dumps(SimpleMetadata().get_serializer_info(Post()))
