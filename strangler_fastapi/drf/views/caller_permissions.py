"""Rows that a caller has in another table, such as memberships, which a permission asks for.

MEMBERSHIPS = RowsOfCaller(Membership, caller="user_id", within={"team_id": "team_pk"}, values={"role": ("owner",)})

class IsOwner(BasePermission):
    async def has_permission(self, request: Request, caller: Account | None) -> bool:
        return await MEMBERSHIPS.exist(request, caller)
"""

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Executable, select
from starlette.requests import Request

from shared_schema.consumer.samples import Sample, sample_of
from shared_schema.mapping import primary_key
from strangler_fastapi.db.query import Rows, fetch
from strangler_fastapi.drf.criteria import Criteria, clauses_of, equals, key_of, lookup, values_of
from strangler_fastapi.drf.resources.sample_queries import as_sample


@dataclass(frozen=True, eq=False)
class RowsOfCaller:
    """Rows of `model` that have the caller's key in its attribute `caller`.

    `within` are attributes by the parameter of the path that they are equal to, `values` those that have one of these
    constants.
    """

    model: Any
    _: KW_ONLY
    caller: str
    within: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    async def exist(self, request: Request, caller: Any) -> bool:  # noqa: ANN401 - a project's own
        """Whether there is one; nobody has any.

        Raises:
            Http404: the path has no value of the column's type.
        """
        if caller is None:
            return False
        named = [lookup(self._column(name), request.path_params[each], name) for name, each in self.within.items()]
        return bool(await fetch(request.state.session, self._rows((self._callers(caller.id), *named))))

    def statements(self) -> Iterator[Sample]:
        """Every statement, with samples of values."""
        named = (equals(name, self._column(name), self._sample(name)) for name in self.within)
        yield as_sample(self._rows((self._callers(self._sample(self.caller)), *named)))

    def _callers(self, key: object) -> Any:  # noqa: ANN401 - a criterion
        return equals("caller", self._column(self.caller), key)

    def _rows(self, criteria: Criteria) -> Rows:
        def build() -> Executable:
            constants = (getattr(self.model, name).in_(values) for name, values in self.values.items())
            return select(primary_key(self.model)).where(*clauses_of(criteria), *constants).limit(1)

        # Constants are part of the statement, and so is which column of several is the caller.
        key = (self.model.__table_key__, "rows of caller", self.caller, *key_of(criteria), *self.values.items())
        return Rows(key, build, values_of(criteria))

    def _column(self, name: str) -> Any:  # noqa: ANN401 - a function
        return partial(getattr, self.model, name)

    def _sample(self, name: str) -> Any:  # noqa: ANN401 - of the column's type
        return sample_of(getattr(self.model, name).type.python_type)
