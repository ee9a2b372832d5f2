"""Cases that read: who may, what narrows and orders a list, its pages, and rows that are there or aren't."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from strangler.compare.generate.case_text import GeneratedCase, target_of
from strangler.compare.generate.facts import column_at
from strangler.compare.generate.operations import Operation
from strangler.compare.generate.query_values import (
    Labelled,
    labelled_once,
    odd_ids,
    order_values,
    page_values,
    query_values,
    search_values,
    size_values,
)
from strangler.compare.generate.schemas import SchemaField
from strangler.compare.generate.sign_ins import bad_credentials
from strangler.compare.generate.stored import word_of
from strangler.compare.generate.world import World

# DRF's own, where the view doesn't say.
_PAGE_SIZE: Final = 20
_COMBINATIONS: Final = 4
_OF_ONE: Final = 4
_OTHER_ORDERS: Final = 3
# What a browser asks for.
_PAGES: Final[tuple[tuple[str, str], ...]] = (
    ("as HTML", "text/html"),
    ("as anything", "text/html, */*;q=0.1"),
)
_FORMATS: Final[tuple[tuple[str, str], ...]] = (
    ("indented", "application/json; indent=4"),
    ("as XML, else JSON", "application/xml, application/json;q=0.5"),
)


_CONDITIONS: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("compressed", {"Accept-Encoding": "gzip"}),
    ("compressed or not at all", {"Accept-Encoding": "br, gzip;q=0.5, identity;q=0"}),
    ("if it is another one", {"If-None-Match": 'W/"x", "y"'}),
    ("if it has changed since a day to come", {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}),
)


class ReadCases:
    """Makes the cases of the GET of one route.

    Args:
        world: what is known.
        operation: the GET.
    """

    def __init__(self, world: World, operation: Operation) -> None:
        self._world = world
        self._operation = operation
        paths = world.paths(operation)
        self._paths = paths
        # Where a path names nobody's row the first that is known will do.
        self._path = next((path for label, path in paths if label.startswith("own")), paths[0][1] if paths else "")
        self._main = (world.callers.main,)
        self._required = world.required(operation)

    def cases(self) -> Iterator[GeneratedCase]:
        """All of them; none where the path names a row and none is stored."""
        if not self._path:
            return
        yield from self._callers()
        yield from self._rows()
        yield from self._parameters()
        if self._operation.is_list and self._operation.is_paged:
            yield from self._pages()
        yield from self._combined()
        yield from self._shapes()

    def _callers(self) -> Iterator[GeneratedCase]:
        for label, path in self._paths:
            everybody = self._world.callers.all if path == self._path else self._world.callers.users
            yield self._case(f"{label or 'everything'}, by everybody", path, callers=everybody)
        for label, headers in bad_credentials(self._world.sign_in):
            yield self._case(label, self._path, headers=headers, callers=("",))

    def _rows(self) -> Iterator[GeneratedCase]:
        keys = self._world.row_keys(self._operation)
        if keys:
            for label, text in odd_ids(keys[0][1]):
                callers = (*self._main, "") if text == "x" else self._main
                yield self._case(label, self._world.path_with(self._operation, text), callers=callers)

    def _parameters(self) -> Iterator[GeneratedCase]:
        for parameter in self._operation.parameters:
            values = labelled_once(self._values(parameter))
            if not self._operation.is_list:
                # What narrows the list of the rows narrows this one too, or doesn't.
                values = self._world.random("one", self._path, parameter.name).sample(values, min(_OF_ONE, len(values)))
            for label, text in values:
                yield self._case(f"{parameter.name}: {label}", self._path, (parameter.name, text))
            yield from self._repeated(parameter) if self._operation.is_list else ()
            if parameter.required:
                others = (each for each in self._required if each[0] != parameter.name)
                target = target_of(self._path, *others)
                yield replace(self._case(f"without {parameter.name}", self._path), target=target)
        yield self._case("a parameter that nobody knows", self._path, ("no_such_parameter", "x"))

    def _repeated(self, parameter: SchemaField) -> Iterator[GeneratedCase]:
        values = [text for _, text in self._values(parameter) if text.strip()]
        if len(values) > 1:
            pairs = (parameter.name, values[0]), (parameter.name, values[1])
            yield self._case(f"{parameter.name} twice", self._path, *pairs)

    def _values(self, parameter: SchemaField) -> Iterator[Labelled]:
        operation, world = self._operation, self._world
        facts, where = operation.facts, world.own_rows(operation)
        if parameter.name in {facts.name("page"), facts.name("page_size")} and operation.is_paged:
            return
        if parameter.name == facts.name("ordering"):
            ordering = world.ordering(operation)
            yield from order_values(ordering)
            others = [each.name for each in operation.items if each.name not in ordering]
            if len(others) > 1:
                # Each is dropped, so that one that shouldn't be there is what orders.
                yield "by all that are no orders", ",".join(others)
            random = world.random("orders", operation.route.name)
            for name in random.sample(others, min(_OTHER_ORDERS, len(others))):
                yield f"by {name}, which is no order", name
        elif parameter.name == facts.name("search"):
            yield from search_values(*self._words())
        else:
            found = world.column_of(parameter, operation)
            # Rows of another table aren't the caller's own.
            own = where if found and found[0] == operation.table else {}
            yield from query_values(parameter, world.stored.samples(*found, own) if found else ())

    def _words(self) -> tuple[str, str]:
        """Two words that rows hold that the caller reads."""
        operation, world = self._operation, self._world
        fields = operation.facts.search
        if fields is None:
            fields = next(
                (each.facts.search for each in world.operations if each.table == operation.table and each.facts.search),
                None,
            )
        if fields is None:
            fields = tuple(each.name for each in operation.items if each.is_text)
        where = world.own_rows(operation)
        texts: list[object] = []
        for path in fields:
            if found := column_at(path, operation.table, world.contract):
                texts += world.stored.column(*found, where if found[0] == operation.table else {})
        random = world.random("words", operation.route.name)
        row = [random.choice(texts)] if texts else []
        return word_of(texts, random=random), word_of(row, random=random)

    def _pages(self) -> Iterator[GeneratedCase]:
        facts = self._operation.facts
        page, size = facts.name("page"), facts.name("page_size")
        length, most = facts.page_size or _PAGE_SIZE, facts.max_page_size
        rows = self._row_count()
        if self._operation.parameter(page):
            for label, text in labelled_once(page_values(-(-rows // length))):
                yield self._case(label, self._path, (page, text))
        if self._operation.parameter(page) and self._operation.parameter(size):
            for number in (2, 3):
                yield self._case(f"page {number} of small ones", self._path, (page, str(number)), (size, "3"))
            yield self._case("the last of small ones", self._path, (page, "last"), (size, "7"))
            yield self._case("the last of pages of one", self._path, (page, "last"), (size, "1"))
            keep = ("no_such_parameter", "a b&ü"), ("no_such_parameter", "c"), ("empty", "")
            yield self._case("links keep parameters", self._path, (page, "2"), (size, "2"), *keep)
        if self._operation.parameter(size):
            for label, text in labelled_once(size_values(length, most)):
                yield self._case(label, self._path, (size, text))
        ordering = facts.name("ordering")
        for name in self._world.ordering(self._operation) if self._operation.parameter(ordering) else ():
            yield self._case(f"page two by {name}", self._path, (ordering, name), (page, "2"))
            if most:
                yield self._case(f"many by {name}, down", self._path, (ordering, f"-{name}"), (size, str(most)))

    def _row_count(self) -> int:
        world, table = self._world, self._operation.table
        facts = world.contract.tables.get(table)
        key = facts.primary_key[:1] if facts else ()
        return len(world.stored.column(table, key[0], world.own_rows(self._operation))) if key else 0

    def _combined(self) -> Iterator[GeneratedCase]:
        """Several parameters at once, drawn."""
        random = self._world.random("combined", self._operation.route.name)
        drawn = {
            each.name: [text for _, text in self._values(each) if text.strip("\x00 ")]
            for each in self._operation.parameters
        }
        names = [name for name, values in drawn.items() if values]
        for number in range(_COMBINATIONS if len(names) > 1 else 0):
            chosen = random.sample(names, min(len(names), random.randint(2, 4)))
            pairs = [(name, random.choice(drawn[name])) for name in chosen]
            yield self._case(f"several at once, {number + 1}", self._path, *pairs)

    def _shapes(self) -> Iterator[GeneratedCase]:
        everybody, callers = ("", *self._main), self._world.callers.users
        yield self._case("without its body", self._path, method="HEAD", callers=everybody)
        yield self._case("what it takes", self._path, method="OPTIONS", callers=callers)
        if self._path.endswith("/") and len(self._path) > 1:
            yield self._case("without the last slash", self._path[:-1], ("page", "2"))
            yield self._case("without the last slash, below v2's prefix", self._path[:-1], below_v2=True)
        letter = self._operation.path[1:2]
        if letter.isascii() and letter.isalpha():
            yield self._case("a letter of the path as %XX", f"/%{ord(letter):02X}{self._path[2:]}", *self._middle())
        # Pages that nginx leaves to Django are the same whoever answers the route.
        for label, accept in (*(() if self._world.browsable else _PAGES), *_FORMATS):
            yield self._case(label, self._path, headers={"Accept": accept})
        for label, headers in _CONDITIONS:
            yield self._case(label, self._path, headers=headers)
        yield self._case("another format", self._path, ("format", "xml"))
        yield self._case("the format by name", self._path, ("format", "json"))
        tls = {"X-Forwarded-Proto": "https"}
        yield self._case("behind TLS", self._path, *self._middle(), headers=tls)
        yield self._case("below v2's prefix, behind TLS", self._path, *self._middle(), headers=tls, below_v2=True)

    def _middle(self) -> Iterator[tuple[str, str]]:
        """What asks for a page with one before it and one behind it, which it links to."""
        facts = self._operation.facts
        wanted = (facts.name("page"), "2"), (facts.name("page_size"), "1"), ("limit", "1"), ("offset", "1")
        return (each for each in wanted if self._operation.is_paged and self._operation.parameter(each[0]))

    def _case(
        self,
        name: str,
        path: str,
        *pairs: tuple[str, str],
        method: str = "GET",
        callers: tuple[str, ...] | None = None,
        headers: dict[str, str] | None = None,
        below_v2: bool = False,
    ) -> GeneratedCase:
        given = {each for each, _ in pairs}
        needed = (each for each in self._required if each[0] not in given)
        return GeneratedCase(
            name=name,
            method=method,
            target=target_of(path, *needed, *pairs),
            callers=tuple(dict.fromkeys(self._main if callers is None else callers)),
            headers=headers or {},
            below_v2=below_v2,
        )
