"""Who changed what in the admin: `django_admin_log`, in the form in which Django's admin writes it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Executable, insert, select

from shared_schema.consumer.samples import Sample
from shared_schema.mapping import Reflected
from strangler_fastapi.db.session import RequestSession

ADDED: Final = 1
CHANGED: Final = 2
DELETED: Final = 3
_LONGEST_TEXT: Final = 200


@dataclass(frozen=True, kw_only=True)
class AdminHistory:
    """The mapped classes of Django's log and of its content types.

    Args:
        entry: `django_admin_log`, with all of its columns.
        content_type: `django_content_type`, with `id`, `app_label` and `model`.
    """

    entry: Any
    content_type: Any

    async def record(
        self,
        session: RequestSession,
        *,
        user_id: object,
        model: type[Reflected],
        key: object,
        text: str,
        action: int,
        message: object,
    ) -> None:
        """Adds an entry to the session's transaction; `message` is Django's: `[{"added": {}}]`."""
        await session.execute(
            self.insert(user_id=user_id, model=model, key=key, text=text, action=action, message=message)
        )

    def insert(
        self, *, user_id: object, model: type[Reflected], key: object, text: str, action: int, message: object
    ) -> Executable:
        """The statement of an entry."""
        app_label, name = model_name(model)
        kind = self.content_type
        content_type = select(kind.id).where(kind.app_label == app_label, kind.model == name).scalar_subquery()
        return insert(self.entry.__table__).values(
            user_id=user_id,
            content_type_id=content_type,
            object_id=str(key),
            object_repr=text[:_LONGEST_TEXT],
            action_flag=action,
            change_message=json.dumps(message),
        )

    def content_type_name(self) -> ColumnElement[str]:
        """The model of an entry, as `app_label.model`."""
        kind = self.content_type
        name = select(kind.app_label.concat(".").concat(kind.model)).where(kind.id == self.entry.content_type_id)
        return name.correlate(self.entry).scalar_subquery()

    def statements(self, model: type[Reflected], user_id: object) -> Iterator[Sample]:
        """The statement of an entry about `model`."""
        statement = self.insert(user_id=user_id, model=model, key=1, text="sample", action=ADDED, message=[])
        yield Sample("history", statement)


def model_name(model: type[Reflected]) -> tuple[str, str]:
    """The label of Django's app, and the model's name in lower case, as content types and permissions have them."""
    app_label, _, name = model.__mapping__.contract.tables[model.__table_key__].model.rpartition(".")
    return app_label, name.lower()
