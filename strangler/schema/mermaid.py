"""A picture of the tables as a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html)."""

import re
from collections.abc import Iterator

from strangler.schema.graph import Graph, Use


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
    """A label; whatever Mermaid might take for its own is written as a character's number."""
    return '"' + re.sub(r"[^\w ]", lambda found: f"#{ord(found[0])};", text) + '"'
