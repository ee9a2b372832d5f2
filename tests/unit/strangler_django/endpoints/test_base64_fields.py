"""A field that takes an image in base64 is read in the shape of the tutorials, and answers as the library's does."""

import asyncio
import base64
import io
from typing import Any

import pytest
from django.core.files.base import ContentFile
from PIL import Image
from rest_framework import serializers

from strangler_django.endpoints.fields.base64_fields import base64_facts
from strangler_fastapi.drf.fields import file_fields
from strangler_fastapi.drf.fields.fields import Scope
from strangler_fastapi.drf.validators import Invalid


class Base64ImageField(serializers.ImageField):
    """As it stands in most projects."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and data.startswith("data:image"):
            format, imgstr = data.split(";base64,")
            ext = format.split("/")[-1]
            data = ContentFile(base64.b64decode(imgstr), name="temp." + ext)
        return super().to_internal_value(data)


class Taking(serializers.Serializer[Any]):
    picture = Base64ImageField()


class Named(serializers.ImageField):
    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and data.startswith("data:image/"):
            head, text = data.split(";base64,")
            ending = head.split("/")[-1]
            data = ContentFile(base64.b64decode(text), name=f"photo.{ending}")
        return super().to_internal_value(data)


class Forgetful(serializers.ImageField):
    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and data.startswith("data:image"):
            format, imgstr = data.split(";base64,")
            ext = format.split("/")[-1]
            return ContentFile(base64.b64decode(imgstr), name="temp." + ext)
        return data


class Shown(Base64ImageField):
    def to_representation(self, value: Any) -> Any:
        return value.name


class Elsewhere(serializers.ImageField):
    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and data.startswith("data:image"):
            format, imgstr = data.split(";base64,")
            ext = format.split("/")[-1]
            data = ContentFile(decoded(imgstr), name="temp." + ext)
        return super().to_internal_value(data)


def decoded(text: str) -> bytes:
    return text.encode()


@pytest.mark.parametrize(
    ("field", "facts"),
    [
        (Base64ImageField, {"begins": "data:image", "name": "temp."}),
        (Named, {"begins": "data:image/", "name": "photo."}),
        (Forgetful, None),
        (Shown, None),
        (Elsewhere, None),
        (serializers.ImageField, None),
        (serializers.CharField, None),
    ],
)
def test_the_shape_is_read_and_no_other(field: type, facts: Any) -> None:
    assert base64_facts(field()) == facts


def _picture(kind: str) -> str:
    file = io.BytesIO()
    Image.new("RGB", (3, 2)).save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize(
    "sent",
    [
        *(f"data:image/{ending};base64,{_picture('PNG')}" for ending in ("png", "jpeg", "exe", "png;charset=utf-8")),
        f"data:image/gif;base64,{_picture('GIF')}",
        f"data:text/plain;base64,{_picture('PNG')}",
        *("data:image/png;base64,aGVsbG8=", "data:image/png;base64,", "no file", 7, ["x"], {}),
    ],
)
def test_a_text_becomes_the_file_that_drf_makes_of_it(sent: Any) -> None:
    ours, taking = file_fields.Base64ImageField(), Taking(data={"picture": sent})
    theirs: Any = taking.errors["picture"] if not taking.is_valid() else None
    if theirs is None:
        made = taking.validated_data["picture"]
        theirs = made.name, made.size
    try:
        found: Any = asyncio.run(ours.convert(sent, Scope(None)))  # type: ignore[arg-type] # no database is asked
        answer: Any = (found.name, found.size)
    except Invalid as refused:
        answer = [str(each) for each in refused.detail]
    assert answer == theirs


@pytest.mark.parametrize("sent", ["data:image/png", "data:image/png;base64,a", "data:image/png;base64,a;base64,b"])
def test_a_text_that_drf_fails_on_is_refused(sent: str) -> None:
    with pytest.raises(ValueError, match=r"unpack|padding|characters"):
        Base64ImageField().to_internal_value(sent)
    with pytest.raises(Invalid):
        asyncio.run(file_fields.Base64ImageField().convert(sent, Scope(None)))  # type: ignore[arg-type] # as above
