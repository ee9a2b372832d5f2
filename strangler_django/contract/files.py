"""Where the files of a column are kept, and how they are named."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage
from django.db.models import FileField, ImageField

from strangler_django.contract.plain import callable_path

Facts = dict[str, Any]


def file_facts(field: FileField) -> Facts:
    """The facts of a FileField or an ImageField; one that doesn't apply is left out."""
    facts: Facts = {"storage": _storage_facts(field.storage)}
    if callable(field.upload_to):
        facts["upload_to_callable"] = callable_path(field.upload_to)
    elif str(field.upload_to):
        facts["upload_to"] = str(field.upload_to)
    if "%" in facts.get("upload_to", "") and settings.TIME_ZONE != "UTC":
        facts["time_zone"] = settings.TIME_ZONE
    if isinstance(field, ImageField):
        given = {"width_field": field.width_field, "height_field": field.height_field}
        facts |= {"image": True} | {name: value for name, value in given.items() if value}
    return facts


def _storage_facts(storage: Storage) -> Facts:
    # Not `type`: the default storage is a lazy object of its class.
    kind = storage.__class__
    facts: Facts = {"name": f"{kind.__module__}.{kind.__qualname__}"}
    if not isinstance(storage, FileSystemStorage):
        return facts
    given = {
        "location": _portable(storage.location),
        "is_media_root": Path(storage.location) == Path(settings.MEDIA_ROOT).absolute(),
        "base_url": storage.base_url,
        "file_permissions": storage.file_permissions_mode,
        "directory_permissions": storage.directory_permissions_mode,
        # Django before 5.1 has no such setting.
        "allow_overwrite": getattr(storage, "_allow_overwrite", False),
    }
    return facts | {name: value for name, value in given.items() if value not in (None, False)}


def _portable(location: str) -> str:
    """Relative to this folder where it is below: the same in every checkout."""
    here = Path.cwd()
    path = Path(location)
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)
