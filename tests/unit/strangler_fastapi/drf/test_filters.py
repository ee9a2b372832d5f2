"""A filter's form reads what Django's form field reads, and refuses the rest in its words."""

from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django_filters.filters import NumberFilter
from hypothesis import example, given
from hypothesis import strategies as st

from strangler_fastapi.drf.filter_forms import DATE, IDENTIFIER, NUMBER, SENT_TEXT, TEXT, TIME, FormField, choice
from strangler_fastapi.drf.filters import column_filter
from strangler_fastapi.drf.validators import Invalid

NUMBERS = {"1": 1, "2.5": 2.5, "x": "x"}
PAIRS: list[tuple[FormField, forms.Field]] = [
    (TEXT, forms.CharField(required=False)),
    (SENT_TEXT, forms.CharField(required=False, strip=False)),
    (NUMBER, NumberFilter().field),
    (IDENTIFIER, forms.UUIDField(required=False)),
    (DATE, forms.DateField(required=False)),
    (TIME, forms.TimeField(required=False)),
    (
        choice(NUMBERS.values()),
        forms.TypedChoiceField(choices=[(text, text) for text in NUMBERS], coerce=NUMBERS.__getitem__, required=False),
    ),
]
TEXTS = st.sampled_from(
    [
        *("", " ", "a", " a ", "1", "2.5", "x", "-1e3", "1e51", "nan", "inf", "1_0", "1,5", "\x00", "00000000" * 4),
        *(
            "2026-01-05",
            "1/5/2026",
            "01/05/26",
            "Jan 5 2026",
            "5 January, 2026",
            "2026-13-01",
            "10:05",
            "10:05:06.7",
            "25:00",
        ),
    ]
)


def answer(form: FormField, text: str) -> Any:
    try:
        return form.read(text)
    except Invalid as error:
        return [str(sentence) for sentence in error.detail]


def django_answer(field: forms.Field, text: str) -> Any:
    try:
        value = field.clean(text)
    except ValidationError as error:
        return error.messages
    return None if value == "" else value


@pytest.mark.parametrize(("form", "field"), PAIRS, ids=lambda part: type(part).__name__)
@given(text=TEXTS | st.text(max_size=5))
@example(text="9" * 60)
def test_a_form_reads_what_djangos_reads(form: FormField, field: forms.Field, text: str) -> None:
    assert answer(form, text) == django_answer(field, text)


def test_a_lookup_that_is_none_is_named_at_the_start() -> None:
    with pytest.raises(LookupError, match="year is no lookup of this filter: write the condition with text_filter"):
        column_filter(lambda: None, NUMBER, "year")
