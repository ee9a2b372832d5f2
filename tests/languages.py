"""A Django project in several languages, for as long as a test asks it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.test.utils import override_settings
from django.utils import translation

from strangler_django.languages import languages_text

_LOCALE = "django.middleware.locale.LocaleMiddleware"


@contextmanager
def project_in_languages(codes: Sequence[str], *, default: str, **settings: Any) -> Iterator[str]:
    """What is exported of a project in these languages; Django answers in them meanwhile, with those settings."""
    # Django keeps functions for translations or for none.
    translated: Any = translation._trans  # type: ignore[attr-defined] # as said
    named = {"LANGUAGES": [(code, code) for code in codes], "LANGUAGE_CODE": default}
    with override_settings(USE_I18N=True, MIDDLEWARE=[_LOCALE], **named, **settings):
        kept = dict(translated.__dict__)
        translated.__dict__.clear()
        try:
            yield languages_text()
        finally:
            translated.__dict__.clear()
            translated.__dict__.update(kept)
