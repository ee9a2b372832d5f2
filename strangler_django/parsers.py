"""DRF's parsers, which refuse bodies that are costly to parse: set them as `DEFAULT_PARSER_CLASSES`."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework import parsers
from rest_framework.exceptions import ParseError

from shared_schema.charsets import UnsupportedCharsetError, require_text_charset


def _refuse_charset(parser_context: Mapping[str, Any] | None) -> None:
    """Refuse charsets that take quadratic time to decode; DRF itself refuses those that aren't text.

    Raises:
        ParseError: the charset is not one that a body may be in.
    """
    try:
        require_text_charset((parser_context or {}).get("encoding", settings.DEFAULT_CHARSET))
    except UnsupportedCharsetError as error:
        raise ParseError(str(error)) from None


class JSONParser(parsers.JSONParser):
    """JSON; a body that is nested too deeply is a 400, not DRF's 500."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:  # noqa: ANN401 - DRF's own signature
        """See DRF."""
        _refuse_charset(parser_context)
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError(f"JSON parse error - {error}") from None


class FormParser(parsers.FormParser):
    """A form of names and texts."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:  # noqa: ANN401 - DRF's own signature
        """See DRF."""
        _refuse_charset(parser_context)
        return super().parse(stream, media_type, parser_context)


class MultiPartParser(parsers.MultiPartParser):
    """A form that may hold files."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:  # noqa: ANN401 - DRF's own signature
        """See DRF."""
        _refuse_charset(parser_context)
        return super().parse(stream, media_type, parser_context)
