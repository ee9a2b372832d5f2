"""What a field is by the caller of the request: its key, and the rows of another table that it has with the row shown.

    "is_favorited": ComputedField(
        columns=(MatchingRows(Favorite, {"user_id": CALLER, "recipe_id": "id"}),),
        function=lambda favorites: favorites > 0,
    )

The key is a parameter of the statement, which is built once for all callers: null for an anonymous one, who has no
rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Final

from sqlalchemy import BindParameter, bindparam, func, select, true
from sqlalchemy.orm import aliased
from sqlalchemy.sql.visitors import iterate

from shared_schema.mapping import Reflected, primary_key
from strangler_fastapi.drf.criteria import Criteria, Criterion
from strangler_fastapi.drf.links import column_at, ordered_by, primary_key_of

# Of no filter's name.
_PARAMETER: Final = "key of the caller"


@dataclass(frozen=True)
class CallerKey:
    """The key of the caller, None of an anonymous one; `user` is the class of the users' table."""

    user: type[Reflected]

    def select(self, _owner: Any = None) -> Any:  # noqa: ANN401 - a mapped class or an alias of one, and an expression
        """The parameter."""
        return bindparam(_PARAMETER, type_=primary_key(self.user).type)


# In the place of a column that a row of another table is compared with.
CALLER: Final = object()


@dataclass(frozen=True)
class MatchingRows:
    """The rows of `target` whose columns are `equal` to the caller's key, to columns of the row, or to `constants`.

    They stand for how many there are, or for the column `shown` of the first, by `ordering` and then by their key. All
    are named by Django's lookups, `user__team` too.
    """

    target: type[Reflected]
    equal: Mapping[str, Any]
    _: KW_ONLY
    constants: Mapping[str, Any] = field(default_factory=dict)
    shown: str | None = None
    ordering: tuple[str, ...] = ()

    def select(self, owner: Any) -> Any:  # noqa: ANN401 - a mapped class or an alias of one, and an expression
        """Their number, or the column of the first, for the row of `owner`."""
        related = aliased(self.target)
        made = select(func.count() if self.shown is None else column_at(related, self.shown)).select_from(related)
        for name, other in self.equal.items():
            column = column_at(related, name)
            made = made.where(column == (_key_as(column) if other is CALLER else column_at(owner, other)))
        for name, value in self.constants.items():
            column = column_at(related, name)
            made = made.where(column.is_(value) if value is None or isinstance(value, bool) else column == value)
        if self.shown is not None:
            made = made.order_by(*ordered_by(related, self.ordering), primary_key_of(related)).limit(1)
        return made.correlate(owner).scalar_subquery()


def has_matching_rows(owner: Any, rows: MatchingRows) -> Any:  # noqa: ANN401 - as above
    """Whether there are any, as `annotate(is_liked=Exists(…))` has it."""
    return rows.select(owner) > 0


def is_caller_named(expressions: Iterable[Any]) -> bool:
    """Whether a statement of these expressions needs the caller."""
    parts = (part for each in expressions if hasattr(each, "get_children") for part in iterate(each))
    return any(isinstance(part, BindParameter) and part.key == _PARAMETER for part in parts)


def caller_criteria(key: object) -> Criteria:
    """The key of the caller for statements that need it, which leaves out no row."""
    return (Criterion("caller", true, {_PARAMETER: key}),)


def _key_as(column: Any) -> Any:  # noqa: ANN401 - an expression
    return bindparam(_PARAMETER, type_=column.type)
