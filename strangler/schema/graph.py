"""A graph of the tables: their references, and the features that read and write them."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from shared_schema.consumer.consumer import Consumer, Feature
from shared_schema.contract.contract import Contract

# `maxEdges` of https://mermaid.js.org/config/schema-docs/config.html; the document can't raise it itself.
_MOST_ARROWS: Final = 500


@dataclass(frozen=True)
class Reference:
    """An arrow from table to table: a foreign key, or a relation that goes through a third table."""

    source: str
    target: str
    label: str
    through: str | None = None


@dataclass(frozen=True)
class Use:
    """The use of a table by a feature; `writes` are of `inserts`, `updates` and `deletes`."""

    feature: str
    table: str
    reads: bool
    writes: tuple[str, ...]


@dataclass(frozen=True)
class Graph:
    """Sorted tables by key, the references between them, and their uses by features."""

    tables: tuple[str, ...]
    references: tuple[Reference, ...]
    uses: tuple[Use, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """The features that use a table, by name."""
        return tuple(sorted({use.feature for use in self.uses}))


def graph_make(
    contract: Contract, consumer: Consumer, *, tables: Collection[str] = (), features: Collection[str] = ()
) -> Graph:
    """The graph of everything, or of these tables and their neighbours and the tables that these features use."""
    references, uses = list(_references(contract)), list(_uses(consumer))
    shown = contract.tables.keys() | {use.table for use in uses}
    if tables or features:
        uses = [use for use in uses if use.feature in features or use.table in tables]
        touched = {use.table for use in uses if use.feature in features}.union(tables)
        near = {end for arrow in references if _ends(arrow) & set(tables) for end in _ends(arrow)}
        shown = touched | near
        references = [arrow for arrow in references if _ends(arrow) <= touched or _ends(arrow) & set(tables)]
    return Graph(tables=tuple(sorted(shown)), references=tuple(references), uses=tuple(uses))


def _ends(reference: Reference) -> set[str]:
    return {reference.source, reference.target}


def _references(contract: Contract) -> Iterator[Reference]:
    for key, table in sorted(contract.tables.items()):
        for name, column in sorted(table.columns.items()):
            if column.references is not None:
                yield Reference(key, column.references.table, f"{name} {column.references.on_delete}")
        for field, relation in sorted(table.many_to_many.items()):
            yield Reference(key, relation.target, f"{field} by {relation.table}", through=relation.table)


def _uses(consumer: Consumer) -> Iterator[Use]:
    for name, feature in sorted(consumer.features.items()):
        for table in sorted({*feature.reads, *feature.inserts, *feature.updates, *feature.deletes}):
            yield Use(name, table, reads=table in feature.reads, writes=_writes(feature, table))


def _writes(feature: Feature, table: str) -> tuple[str, ...]:
    kinds = {"inserts": feature.inserts, "updates": feature.updates, "deletes": feature.deletes}
    return tuple(kind for kind, tables in kinds.items() if table in tables)


def graph_text(graph: Graph, contract: Contract) -> str:
    """The flowchart; with more arrows than Mermaid draws, a Markdown page with one for the tables of each app."""
    if len(graph.references) + len(graph.uses) <= _MOST_ARROWS:
        return graph_mermaid(graph)
    apps: dict[str, set[str]] = {}
    for key in graph.tables:
        model = contract.tables[key].model if key in contract.tables else ""
        apps.setdefault(model.partition(".")[0] or "others", set()).add(key)
    charts = (f"## {app}\n\n```mermaid\n{graph_mermaid(_part(graph, apps[app]))}```\n" for app in sorted(apps))
    return "\n".join(charts)


def _part(graph: Graph, tables: Collection[str]) -> Graph:
    """The graph of some tables, with the references that start at them, their targets and all uses."""
    references = tuple(arrow for arrow in graph.references if arrow.source in tables)
    shown = {*tables, *(arrow.target for arrow in references)}
    uses = tuple(use for use in graph.uses if use.table in tables)
    return Graph(tables=tuple(sorted(shown)), references=references, uses=uses)


def graph_mermaid(graph: Graph) -> str:
    """The flowchart: tables are cylinders; a dotted arrow reads, a thick one writes."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    tables = {name: f"table{number}" for number, name in enumerate(graph.tables)}
    features = {name: f"feature{number}" for number, name in enumerate(graph.features)}
    yield "flowchart LR"
    for name, node in tables.items():
        yield f"    {node}[({_quoted(name)})]"
    for name, node in features.items():
        yield f"    {node}([{_quoted(name)}])"
    for reference in graph.references:
        arrow = "-->" if reference.through is None else "<-->"
        yield f"    {tables[reference.source]} {arrow}|{_quoted(reference.label)}| {tables[reference.target]}"
    for use in graph.uses:
        yield f"    {features[use.feature]} {_arrow(use)} {tables[use.table]}"


def _arrow(use: Use) -> str:
    if not use.writes:
        return "-.->|reads|"
    return f"==>|{', '.join([*(['reads'] if use.reads else []), *use.writes])}|"


def _quoted(text: str) -> str:
    """A label; characters with a meaning in Mermaid are escaped."""
    return '"' + re.sub(r"[^\w ]", lambda match: f"#{ord(match[0])};", text) + '"'
