"""The time zone of a request, where a project has one for each caller (Django's `timezone.activate`).

    LOCAL = CurrentTimezone(ZoneInfo("Europe/Berlin"))  # Django's TIME_ZONE, where nothing is activated
    "sent_at": DateTimeField(default_timezone=LOCAL)

What Django's middleware does stands in an authenticator of the service, or in an endpoint: `activate_timezone(zone)`.
"""

from contextvars import ContextVar
from datetime import datetime, timedelta, tzinfo
from typing import Final

_active: Final[ContextVar[tzinfo | None]] = ContextVar("active time zone", default=None)


def activate_timezone(zone: tzinfo | None) -> None:
    """Has the rest of the request read and answer moments in a zone; None: in the default."""
    _active.set(zone)


class CurrentTimezone(tzinfo):
    """The zone that the request has activated, else `default`."""

    def __init__(self, default: tzinfo) -> None:
        self._default = default

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        """See tzinfo."""
        return self._zone.utcoffset(_of(moment, self._zone))

    def dst(self, moment: datetime | None) -> timedelta | None:
        """See tzinfo."""
        return self._zone.dst(_of(moment, self._zone))

    def tzname(self, moment: datetime | None) -> str | None:
        """See tzinfo."""
        return self._zone.tzname(_of(moment, self._zone))

    def fromutc(self, moment: datetime) -> datetime:
        """See tzinfo."""
        zone = self._zone
        return zone.fromutc(moment.replace(tzinfo=zone)).replace(tzinfo=self)

    @property
    def _zone(self) -> tzinfo:
        return _active.get() or self._default


def _of(moment: datetime | None, zone: tzinfo) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=zone)
