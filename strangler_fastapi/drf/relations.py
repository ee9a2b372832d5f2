"""Fields of a body that stand for rows of other tables."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, select

from shared_schema.consumer.samples import sample_value
from shared_schema.contract.values import BIGGEST, python_type
from shared_schema.mapping import Reflected
from strangler_fastapi.drf.fields import Field, Scope
from strangler_fastapi.drf.validators import Invalid, check_storable


@dataclass(frozen=True, kw_only=True)
class PrimaryKeyRelatedField(Field):
    """The key of a row that is there (`serializers.PrimaryKeyRelatedField`).

    `key` is the attribute of the mapped class `model` that holds it, `type` its type as PostgreSQL spells it.
    """

    model: type[Reflected]
    key: str
    type: str

    async def clean(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401, D102 - see Field
        return await super().clean(None if value == "" else value, scope)

    async def convert(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401, D102 - see Field
        key = self._key(value)
        if not self._fits(key) or (await scope.session.execute(self.lookup(key))).first() is None:
            raise Invalid(f'Invalid pk "{value}" - object does not exist.')
        return key

    def lookup(self, key: object) -> Executable:
        """The row with that key."""
        column = getattr(self.model, self.key)
        return select(column).where(column == key)

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return python_type(self.type)

    def sample(self) -> Any:  # noqa: ANN401, D102 - see Field
        return sample_value(self.type)

    def _key(self, value: Any) -> Any:  # noqa: ANN401 - as it was sent, and as the column has it
        kind = python_type(self.type)
        wrong = Invalid(f"Incorrect type. Expected pk value, received {type(value).__name__}.")
        if isinstance(value, bool):
            raise wrong
        if kind is str:
            check_storable(text := str(value))
            return text
        if kind is UUID:
            wrong = Invalid(f"\u201c{value}\u201d is not a valid UUID.")
            return _converted(lambda: UUID(int=value) if isinstance(value, int) else UUID(str(value)), wrong)
        return _converted(lambda: kind(value), wrong)

    def _fits(self, key: object) -> bool:
        """Whether the column could hold the key."""
        most = BIGGEST.get(self.type)
        return most is None or not isinstance(key, int) or -most - 1 <= key <= most


def _converted(convert: Callable[[], Any], wrong: Invalid) -> Any:  # noqa: ANN401 - of the key's type
    try:
        return convert()
    except (TypeError, ValueError, OverflowError):
        raise wrong from None
