"""Whether both sides of a comparison on copies keep Django's uploads and caches to themselves."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from shared_schema.contract.contract import Contract
from strangler.adoption.django_settings import DjangoSettings
from strangler.adoption.endpoints import DjangoApi
from strangler.compare.writes.own_places import places_fill
from strangler.errors import UnsafeError
from strangler.schema.django_side import ManageCommand
from strangler.sections import CopiesSection

_UNIQUE: Final = "strangler-side"
_FOLDER: Final = Path(f"/{_UNIQUE}")
_UPLOADS: Final = frozenset({"FileField", "ImageField"})
# In the memory of one process, in the database, or nowhere.
_OWN_CACHES: Final = ("locmem.LocMemCache", "dummy.DummyCache", "db.DatabaseCache")
_FILES_HINT: Final = 'name the variable of their folder: files = { MEDIA_ROOT = "media" } under [compare.copies]'
_CACHE_HINT: Final = 'give each side its own: own = { CACHE_KEY_PREFIX = "{unique}" } under [compare.copies]'


def places_require(section: CopiesSection, project: ManageCommand, contract: Contract) -> None:
    """Refuse a comparison whose servers would write into files or caches that the real service has.

    Django is asked by its own command, with the variables that a side gets.

    :raises UnsafeError: they would, and the project file doesn't say `shared`.
    :raises FailedError: the project doesn't start.
    """
    if section.shared:
        return
    folders = {name: str(_FOLDER / name) for name in section.files}
    given = folders | places_fill(section.own, folder=_FOLDER, unique=_UNIQUE)
    settings = DjangoApi.read(replace(project, env={**project.env, **given})).settings
    has_uploads = any(each.kind in _UPLOADS for table in contract.tables.values() for each in table.columns.values())
    for what, hint in places_shared(settings, has_uploads=has_uploads):
        raise UnsafeError(what, f"{hint}, or shared = true where nothing of it is needed")


def places_shared(settings: DjangoSettings, *, has_uploads: bool) -> Iterator[tuple[str, str]]:
    """What both sides, and the real service, would write to, with a hint; `settings` are read as those of a side.

    A place is a side's own if its folder or its text of its own is in it: any other variable is the same for both.
    """
    if has_uploads and _UNIQUE not in settings.files.place:
        where = settings.files.place or settings.files.backend
        yield f"uploads of both sides would go to {where}", _FILES_HINT
    for name, cache in settings.caches.items():
        if not cache.backend.endswith(_OWN_CACHES) and _UNIQUE not in cache.place:
            yield f"both sides would share the cache {name} ({cache.backend})", _CACHE_HINT
