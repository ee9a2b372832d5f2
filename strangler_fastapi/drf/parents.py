"""Rows of other tables that the rows of a resource belong to: they are looked for first, and without one it is 404.

COMMENTS = Resource(
    Comment,
    COMMENT_SERIALIZER,
    within={"review_id": "review_id"},
    parents=(Parent(Review, {"id": "review_id", "title_id": "title_id"}, attribute="review_id"),),
)
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any, Literal

from sqlalchemy import and_, literal_column, select

from shared_schema.consumer.samples import Sample, sample_of
from shared_schema.mapping import primary_key
from strangler_fastapi.db.query import Rows, fetch_value
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.criteria import Criteria, Criterion, clauses_of, equals, key_of, lookup, values_of
from strangler_fastapi.drf.fields.fields import Scope
from strangler_fastapi.drf.links import attribute_of_field, related_column
from strangler_fastapi.drf.validators import Invalid
from strangler_fastapi.errors import ErrorDetail, Http404, NotFound


@dataclass(frozen=True, eq=False)
class Parent:
    """A row of `model` that a path names, as `get_object_or_404` finds it in a view's own code.

    `within` are attributes by the parameter of the path that they are equal to, one of them unlike that of any other
    row; Django's path (`title__slug`) leads over foreign keys. With `owner` the row has the caller's key in that
    attribute, and `where` gives more conditions that it meets.

    `attribute` is the one of a new row that gets its key, as `serializer.save(review=review)` does. A parent is looked
    for `before` "rows", in `get_queryset`, or "new" rows are saved, once the body is validated, in `perform_create`, or
    both. One that `precedes_body` is looked for before a new row's body is read, as by handlers of a project's own.

    Where there is none, the answer is that of `get_object_or_404`, about `model_name` if the class bears another name
    than Django's model; or `detail`, to the exception that the code `raises`.
    """

    model: Any
    within: Mapping[str, str]
    _: KW_ONLY
    attribute: str | None = None
    owner: str | None = None
    where: Callable[[], Sequence[Any]] | None = None
    before: Literal["rows", "new", "both"] = "both"
    precedes_body: bool = False
    detail: str | None = None
    raises: type[NotFound] = Http404
    model_name: str | None = None

    async def find(self, session: RequestSession, path: Mapping[str, str], caller: object) -> Any:  # noqa: ANN401 - of the key's type
        """The key of the row that a path names, by its parameters, for the caller with that key.

        Raises:
            NotFound: there is none.
        """
        try:
            key = await self.look(session, path, caller)
        except NotFound:
            raise self.raises(*([self.detail] if self.detail else [])) from None
        if key is None:
            name = self.model_name or object_name(self.model)
            raise self.raises(self.detail or f"No {name} matches the given query.")
        return key

    async def look(self, session: RequestSession, path: Mapping[str, str], caller: object) -> Any:  # noqa: ANN401 - as above
        """The same; None where there is no such row.

        Raises:
            NotFound: the path has a text that is no value of its column.
        """
        return await fetch_value(session, self._rows(self._criteria(path, caller)))

    def samples(self, name: str) -> Iterator[Sample]:
        """The statement that finds it."""
        named = {parameter: str(_sample(self._column(path))) for path, parameter in self.within.items()}
        owner = _sample(self._column(self.owner)) if self.owner else None
        yield self._rows(self._criteria(named, owner)).sample(name)

    def _rows(self, criteria: Criteria) -> Rows:
        def build() -> Any:  # noqa: ANN401 - a statement
            return select(primary_key(self.model)).where(*clauses_of(criteria)).limit(literal_column("1"))

        return Rows((self, key_of(criteria)), build, values_of(criteria))

    def _criteria(self, parameters: Mapping[str, str], caller: object) -> Criteria:
        named = [
            lookup(partial(self._column, path), parameters[parameter], f"parent {number}")
            for number, (path, parameter) in enumerate(self.within.items())
        ]
        if self.owner is not None:
            named.append(equals("owner", partial(self._column, self.owner), caller, parameter="owner of the parent"))
        if (where := self.where) is not None:
            named.append(Criterion("where", lambda: and_(*where())))
        return tuple(named)

    def _column(self, path: str) -> Any:  # noqa: ANN401 - an attribute, or an expression
        if "__" in path:
            return related_column(self.model, path)
        return getattr(self.model, path if hasattr(self.model, path) else attribute_of_field(self.model, path))


@dataclass(frozen=True, eq=False)
class ParentRule:
    """What `validate` of a project's own serializer does about a row that the path names (a rule of a Serializer).

    The row has to be there, or where `refused` says what the body is refused with, perhaps by keys, must not be: the
    caller's review of a title, before a second one. It may be several rows then. With `of_new` it is so for new rows
    alone.
    """

    parent: Parent
    refused: str | Mapping[str, str] | None = None
    of_new: bool = False

    async def __call__(self, _values: dict[str, Any], scope: Scope) -> None:
        """Queries the database; see `Serializer`."""
        if self.of_new and scope.instance_id is not None:
            return
        caller = getattr(scope.caller, "id", None)
        if self.refused is None:
            await self.parent.find(scope.session, scope.path, caller)
        elif await self.parent.look(scope.session, scope.path, caller) is not None:
            if isinstance(self.refused, str):
                raise Invalid(self.refused)
            raise Invalid({name: [ErrorDetail(text, "invalid")] for name, text in self.refused.items()})

    def samples(self) -> Iterator[Sample]:
        """The query that it sends."""
        yield from self.parent.samples(f"{self.parent.model.__tablename__} of {' '.join(self.parent.within)}")


def object_name(model: Any) -> str:  # noqa: ANN401 - a mapped class
    """What Django calls the model, whose class may have another name here."""
    facts = model.__mapping__.contract.tables.get(model.__table_key__)
    return str(model.__name__) if facts is None else facts.model.rpartition(".")[2]


def _sample(column: Any) -> Any:  # noqa: ANN401 - an expression, and a value of its type
    return sample_of(column.type.python_type)
