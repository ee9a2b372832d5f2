"""Moments are read and answered in the time zone of the request, as Django's `timezone.activate` has it."""

from contextvars import copy_context
from datetime import UTC, datetime, timedelta, timezone
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone as django_timezone
from rest_framework import serializers as drf
from rest_framework.exceptions import ValidationError

from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.fields.fields import MISSING, Scope
from strangler_fastapi.drf.fields.time_fields import DateTimeField
from strangler_fastapi.drf.fields.usual_values import usual_of
from strangler_fastapi.drf.http.timezones import CurrentTimezone, activate_timezone
from strangler_fastapi.drf.validators import Invalid

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = (BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata"), UTC, timezone(timedelta(hours=-3)))
# An hour that comes twice in New York, one that Berlin leaves out, and others.
SENT = (
    "2026-11-01T01:30:00",
    "2026-03-29T02:30:00",
    "2026-07-01T12:00:00",
    "2026-07-01T12:00:00+05:00",
    "0001-01-01T00:00:00Z",
)
MOMENTS = (
    datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
    datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
    datetime(2026, 7, 1, 12, tzinfo=UTC),
)


@pytest.mark.parametrize("zone", ZONES, ids=str)
async def test_moments_are_of_the_zone_of_the_request(zone: ZoneInfo) -> None:
    field, theirs = DateTimeField(default_timezone=CurrentTimezone(BERLIN)), drf.DateTimeField()
    activate_timezone(zone)
    write = field.representation()
    assert write
    with django_timezone.override(zone):
        for moment in MOMENTS:
            assert write(moment) == theirs.to_representation(moment)
        for text in SENT:
            try:
                expected: object = theirs.run_validation(text).astimezone(UTC)
            except (ValidationError, OverflowError) as error:
                expected = getattr(error, "detail", None)
            try:
                found: object = (await field.clean(text, Scope(session=cast("RequestSession", None)))).astimezone(UTC)
            except Invalid as error:
                found = error.detail
            except OverflowError:
                found = None
            assert found == expected, text


def test_nothing_of_one_request_is_left_to_another() -> None:
    write = DateTimeField(default_timezone=CurrentTimezone(BERLIN)).representation()
    assert write
    copy_context().run(activate_timezone, ZONES[1])
    assert write(MOMENTS[2]) == "2026-07-01T14:00:00+02:00"


@pytest.mark.parametrize(
    ("zone", "text"), [("Asia/Tokyo", "0001-01-01T00:00:00"), ("America/New_York", "9999-12-31T23:59:59")]
)
async def test_a_moment_that_is_none_in_utc_is_refused(zone: str, text: str) -> None:
    own = ZoneInfo(zone)
    with pytest.raises(OverflowError):
        drf.DateTimeField(default_timezone=own).run_validation(text)
    field, scope = DateTimeField(default_timezone=own), Scope(session=cast("RequestSession", None))
    with pytest.raises(Invalid, match=r"Datetime value out of range\."):
        await field.clean(text, scope)
    take = usual_of(field)
    assert take is not None
    assert take(text) is MISSING
    other = "9999-12-31T23:59:59" if text.startswith("0") else "0001-01-01T00:00:00"
    assert await field.clean(other, scope) == drf.DateTimeField(default_timezone=own).run_validation(other)
