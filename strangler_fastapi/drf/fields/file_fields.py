"""Fields of files, as DRF has them under the same names, and how files are kept along with a row."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import cache
from importlib.util import find_spec
from pathlib import PurePath
from posixpath import join
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field as PydanticField
from starlette.concurrency import run_in_threadpool

from strangler_fastapi.drf.fields.fields import Field, Scope, Validator
from strangler_fastapi.drf.fields.storage import Storage
from strangler_fastapi.drf.http.uploads import UploadedFile
from strangler_fastapi.drf.http.urls import absolute_url
from strangler_fastapi.drf.validators import Invalid

# Given the values that are written to the row and the file's name, the name with its folders.
UploadTo = Callable[[Mapping[str, Any], str], str]
# Given an upload, the width and the height of the image; raises Invalid. It may wait for the disk.
ImageCheck = Callable[[UploadedFile], tuple[int, int] | None]
# The code of an ending that isn't allowed (`FileExtensionValidator`).
_NO_ENDING: Final = "invalid_extension"
_NO_IMAGE: Final = "Upload a valid image. The file you uploaded was either not an image or a corrupted image."

_names: dict[str, UploadTo] = {}


def upload_to_register(name: str, make: UploadTo) -> None:
    """Has `make` name files as Django's function `name` does, which a field has as its `upload_to`.

    It is given the values that are written to the row, by attribute, in place of Django's instance.
    """
    _names[name] = make


def registered_upload_to(name: str, column: str) -> UploadTo:
    """What names the files of a column.

    Raises:
        LookupError: nothing is registered under that name.
    """
    if name not in _names:
        raise LookupError(
            f"Files of column {column} are named by {name}, which has no counterpart here: register one,"
            f' `upload_to_register("{name}", …)` of strangler_fastapi.drf.fields.file_fields.'
        )
    return _names[name]


@dataclass(frozen=True, kw_only=True)
class FileField(Field):
    """A file that is uploaded, and answered by its address (`serializers.FileField`).

    `storage` keeps it below `upload_to`, which may have strftime's patterns, in `time_zone`; its name has at most
    `stored_length` letters there. Without a storage the endpoint gets the file, and answers its name.
    """

    kind: ClassVar[str] = "file upload"
    absent: ClassVar[str] = "No file was submitted."
    storage: Storage | None = None
    upload_to: str | UploadTo = ""
    time_zone: tzinfo = UTC
    stored_length: int | None = None
    max_length: int | None = None
    allow_empty_file: bool = False
    use_url: bool = True

    async def convert(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        try:
            name, size = value.name, value.size
        except AttributeError:
            text = "The submitted data was not a file. Check the encoding type on the form."
            raise self.refused("invalid", text) from None
        if not name:
            raise self.refused("no_name", "No filename could be determined.")
        if not (size or self.allow_empty_file):
            raise self.refused("empty", "The submitted file is empty.")
        if self.max_length and len(name) > self.max_length:
            text = "Ensure this filename has at most {max_length} characters (it has {length})."
            raise self.refused("max_length", text, max_length=self.max_length, length=len(name))
        return value

    def representation(self, kind: type | None = None) -> Callable[[Any], Any]:  # noqa: ARG002, D102 - see Field
        return self._shown

    def _shown(self, name: str) -> str | None:
        if not name:
            return None
        return absolute_url(self.storage.url(name)) if self.use_url and self.storage is not None else name

    def annotation(self, *, request: bool) -> Any:  # noqa: ANN401 - as Field's
        """As Field's; whatever the column says, a row may have no file."""
        return super().annotation(request=request) if request else str | None

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return Annotated[str, PydanticField(json_schema_extra={"format": "binary"})]

    def sample(self) -> str:  # noqa: D102 - see Field
        return "sample"

    def describe(self, name: str | None) -> dict[str, Any]:  # noqa: D102 - see Field
        return super().describe(name) | ({} if self.max_length is None else {"max_length": self.max_length})

    def columns(self, upload: UploadedFile | None) -> dict[str, Any]:  # noqa: ARG002 - an image's says more
        """What else of the row the file decides on, by attribute."""
        return {}

    def keep(self, upload: UploadedFile, row: Mapping[str, Any]) -> str:
        """Stores a file for a row that is written with these values; returns its name. It waits for the disk.

        Raises:
            SuspiciousRequest: there is no such name.
            Unavailable: the disk doesn't take it.
        """
        assert self.storage is not None  # noqa: S101 - the caller has looked
        if callable(self.upload_to):
            name = self.upload_to(row, upload.name)
        else:
            name = join(datetime.now(self.time_zone).strftime(self.upload_to), upload.name)
        return self.storage.save(self.storage.generate_filename(name), upload, max_length=self.stored_length)


@dataclass(frozen=True, kw_only=True)
class ImageField(FileField):
    """A file that Pillow takes for an image (`serializers.ImageField`); it needs `strangler[images]`.

    `width_field` and `height_field` are the attributes that keep its size. `check` looks at the file in place of
    Pillow and of the endings that it knows, as DRF's `_DjangoImageField`, of SVG for example.
    """

    kind: ClassVar[str] = "image upload"
    width_field: str | None = None
    height_field: str | None = None
    check: ImageCheck | None = None
    installed: bool = field(default_factory=lambda: find_spec("PIL") is not None)

    def __post_init__(self) -> None:
        if not self.installed:
            raise LookupError("An ImageField looks at images with Pillow: install strangler[images].")
        super().__post_init__()

    async def convert(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401, D102 - see Field
        upload = await super().convert(value, scope)
        upload.image_size = await run_in_threadpool(self.check or self._look, upload)
        return upload

    def _look(self, upload: UploadedFile) -> tuple[int, int]:
        size = _image_size(upload)
        if size is None:
            raise self.refused("invalid_image", _NO_IMAGE)
        _pillow_endings()(upload.name)
        return size

    def columns(self, upload: UploadedFile | None) -> dict[str, Any]:  # noqa: D102 - see FileField
        size = (None, None) if upload is None else upload.image_size or (None, None)
        return {name: side for name, side in zip((self.width_field, self.height_field), size, strict=True) if name}


@dataclass(frozen=True, kw_only=True)
class Base64ImageField(ImageField):
    """The same, and an image in a text: `data:image/png;base64,…`, as the field that projects write has it.

    Such a text `begins` so; its file has that `name`, and what stands behind the type's slash. Another is refused as no
    file.
    """

    begins: str = "data:image"
    name: str = "temp."

    async def convert(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401, D102 - see Field
        if not isinstance(value, str) or not value.startswith(self.begins):
            return await super().convert(value, scope)
        head, mark, text = value.partition(";base64,")
        try:
            content = base64.b64decode(text)
        except ValueError:
            mark = ""
        if not mark or ";base64," in text:
            # Django fails with 500.
            raise self.refused("invalid_image", _NO_IMAGE)
        ending = head.rpartition("/")[2]
        return await super().convert(UploadedFile(content, 0, len(content), name=f"{self.name}{ending}"), scope)


@asynccontextmanager
async def files_kept(fields: Mapping[str, Field], values: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
    """The values of a row with the names of its files, which are stored; where the row can't be written they are gone.

    Django leaves the file then.

    Raises:
        SuspiciousRequest: a file has no name that the storage takes.
        Unavailable: the disk doesn't take it.
    """
    row = dict(values)
    kept: list[tuple[Storage, str]] = []
    try:
        for name, each in fields.items():
            source = each.source or name
            if not isinstance(each, FileField) or each.storage is None or source not in values:
                continue
            upload = values[source]
            row |= each.columns(upload)
            row[source] = "" if upload is None else await run_in_threadpool(each.keep, upload, values)
            if upload is not None:
                kept.append((each.storage, row[source]))
        yield row
    except BaseException:
        for storage, name in kept:
            await asyncio.shield(run_in_threadpool(storage.delete, name))
        raise


def allowed_endings(extensions: list[str]) -> Validator:
    """A file whose name ends in one of those (Django's `FileExtensionValidator`)."""
    check = _ending_check([extension.lower() for extension in extensions])
    return lambda value, _scope: check(value.name)


def _ending_check(allowed: list[str]) -> Callable[[str], None]:
    """Refuses the name of a file that ends in none of those."""
    listed = ", ".join(allowed)

    def check(name: str) -> None:
        ending = PurePath(name).suffix[1:].lower()
        if ending not in allowed:
            raise Invalid(f"File extension “{ending}” is not allowed. Allowed extensions are: {listed}.", _NO_ENDING)

    return check


@cache
def _pillow_endings() -> Callable[[str], None]:
    """Refuses what is of no format that Pillow knows (`validate_image_file_extension`)."""
    from PIL import Image

    Image.init()
    return _ending_check([ending.lower()[1:] for ending in Image.EXTENSION])


def _image_size(upload: UploadedFile) -> tuple[int, int] | None:
    """Looks at the file as Django's form field does, without reading all of it into memory.

    None where Pillow doesn't take it for an image.
    """
    from PIL import Image

    try:
        with upload.open() as file:
            image = Image.open(file)
            image.verify()
            return image.size
    except Exception:  # noqa: BLE001 - Pillow raises what the format's reader does
        return None
