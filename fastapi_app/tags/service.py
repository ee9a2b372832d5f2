"""Tags that posts bring along."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Executable, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from fastapi_app.models import Tag
from strangler_fastapi.db.query import Rows, fetch
from strangler_fastapi.db.session import RequestSession


async def tag_ensure(*, session: RequestSession, names: Sequence[str]) -> list[int]:
    """The ids of the tags of these names, created where there are none yet, by whomever first."""
    if not names:
        return []
    tags = await fetch(session, _named(names))
    known = {row["name"] for row in tags}
    unknown = [name for name in names if name not in known]
    if unknown:
        await fetch(session, _added(unknown))
        tags = await fetch(session, _named(names))
    return [row["id"] for row in tags]


def ensure_rows() -> Iterator[Rows]:
    """The statements of `tag_ensure`, with samples of values."""
    yield _named(["sample"])
    yield _added(["sample"])


def _named(names: Sequence[str]) -> Rows:
    """The tags of these names: `id`, `name`."""

    def build() -> Executable:
        given = bindparam("names", type_=ARRAY(Text))
        return select(Tag.id, Tag.name).where(Tag.name == func.any(given)).order_by(Tag.id)

    return Rows("tags named", build, {"names": list(names)})


def _added(names: Sequence[str]) -> Rows:
    """Adds tags of these names; those that another request added meanwhile are left alone."""

    def build() -> Executable:
        given = select(func.unnest(bindparam("names", type_=ARRAY(Text))))
        return insert(Tag.__table__).from_select([Tag.__table__.c.name], given).on_conflict_do_nothing()

    return Rows("tags added", build, {"names": list(names)})
