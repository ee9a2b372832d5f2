"""Every statement that a `Resource` can send, and what of Django's its writes still lack."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any, Literal

from sqlalchemy import func

from shared_schema.consumer.samples import Deletion, Sample, Sent, sample_of
from strangler_fastapi.drf.pagination.pagination import Pagination
from strangler_fastapi.drf.resources.caller_links import CallerLink
from strangler_fastapi.drf.resources.nested_writes import NestedCreate, NestedUpdate
from strangler_fastapi.drf.resources.resource_rows import ResourceRows
from strangler_fastapi.drf.resources.sample_queries import as_sample, existing_rows, item_rows, list_rows
from strangler_fastapi.drf.unported import unported_of


class ResourceStatements(ResourceRows):
    """Those of a `Resource`, which says what its arguments mean."""

    ordering: tuple[str, ...]
    _actions: Collection[str]
    _caller_links: tuple[CallerLink, ...]
    _destroys: bool
    _name: str | None
    _pagination: Pagination | None
    _perform_create: Callable[..., Any] | None
    _perform_destroy: Callable[..., Any] | None
    _perform_update: Callable[..., Any] | None

    def unported(self, *actions: Literal["create", "update", "assign", "destroy", "link"]) -> tuple[str, ...]:
        """What Django calls when rows are written and nobody has written here yet, for `gaps` of a view's methods."""
        performs: dict[str, Callable[..., Any] | None] = {"create": self._perform_create}
        performs |= {"update": self._perform_update, "destroy": self._perform_destroy}
        lacking: dict[str, None] = {}
        for action in actions:
            lacking |= dict.fromkeys(unported_of(performs.get(action)))
            if action == "destroy" and not self._destroys:
                lacking |= dict.fromkeys(self.effects.lacking("update") if "destroy" in self.performed else ())
            elif action == "destroy":
                lacking |= dict.fromkeys((*self.effects.lacking("delete"), *self.effects.lacking_along()))
            elif action == "link":
                lacking |= dict.fromkeys(what for each in self._caller_links for what in each.unported)
            elif action == "assign":
                lacking |= dict.fromkeys(self.effects.lacking("update"))
            else:
                lacking |= dict.fromkeys((*self.effects.lacking(action), *self.effects.lacking_links()))
        return tuple(lacking)

    def statements(self) -> Iterator[Sent]:
        """Every statement that the actions can send, with samples of values."""
        for sent in self._statements():
            if self._name is None or isinstance(sent, Deletion) or sent.name.startswith(f"{self._name} "):
                yield sent
            else:
                yield replace(sent, name=f"{self._name} {sent.name}")

    def _statements(self) -> Iterator[Sent]:
        key, used = sample_of(self.listing.key().type.python_type), {*self._actions}
        yield from self._parent_samples(used)
        if "list" in used:
            size = self._pagination.sample_size if self._pagination else None
            rows = list_rows(self.listing, self._sampled_list, self.ordering, filters=self._filters, page_size=size)
            yield from map(as_sample, rows)
        if used & {"retrieve", "update", "destroy", "assign", "link"}:
            yield from map(as_sample, item_rows(self.listing, self._sampled, filters=self._filters))
            if self._checked:
                yield as_sample(self._checked_rows(self._sampled({})))
        if used != {"create"}:
            yield from map(as_sample, existing_rows(self._filters))
        if used & {"create", "update"}:
            yield from self._written(key, used)
        if used & {"assign", "link"}:
            yield as_sample(self.listing.rows((*self._by_key(key), *self._sampled_caller())))
        for each in self._caller_links:
            yield from each.samples(self.listing.name)
        if "assign" in used:
            counted = {
                each: func.coalesce(self.column(each), self._sample_of(each))
                for each in self.performed.get("count", ())
            }
            yield Sample(f"{self.listing.name} assign", self.change(key, self._performed_sample("assign") | counted))
        if "destroy" in used and self._destroys:
            yield Deletion(self.model.__table_key__)
        elif "destroy" in used and (marks := self._performed_sample("destroy")):
            yield Sample(f"{self.listing.name} mark", self.change(key, marks))

    def _written(self, key: Any, used: Collection[str]) -> Iterator[Sent]:  # noqa: ANN401 - of the key's type
        yield as_sample(self.listing.rows((*self._by_key(key), *self._sampled_caller())))
        yield from self.write_samples(used)
        for perform in (self._perform_create, self._perform_update):
            if isinstance(perform, NestedCreate | NestedUpdate):
                yield from perform.samples(self)
