"""The consumer's file of a service whose statements were seen."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from shared_schema.consumer.consumer import Consumer, Feature, Need, SampleQuery
from shared_schema.consumer.derivation import as_json, spelled
from shared_schema.consumer.samples import sample_value
from shared_schema.consumer.usage import Usage
from shared_schema.contract.values import python_type
from strangler.schema.recording.rights import RightsReader, StatementRights, UnparsedStatementError
from strangler.schema.recording.wire import SeenStatement

# Values in the text of a statement, which may be somebody's.
_LITERAL: Final = re.compile(r"'|\b\d")
_NAME_LETTERS: Final = 8


@dataclass
class RecordedService:
    """What the statements of one service add up to.

    `unread` are the reasons for which PostgreSQL didn't know one, by its text; `with_values` counts those whose text
    holds values, so that it isn't kept: their columns are.
    """

    usage: Usage = field(default_factory=Usage)
    statements: dict[str, SampleQuery] = field(default_factory=dict)
    needs: dict[str, dict[str, Need]] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    with_values: int = 0

    def add(self, seen: SeenStatement, reader: RightsReader) -> None:
        """Add what one statement needs."""
        try:
            rights = reader.read(seen.text)
        except UnparsedStatementError as error:
            self.unread[seen.text] = str(error)
            return
        if not rights.usage:
            return
        self.usage |= rights.usage
        for column in rights.columns:
            kind = python_type(column.type)
            named = "Any" if kind is None else spelled(kind)
            self.needs.setdefault(column.table, {})[column.name] = Need(type=named, nullable=column.nullable)
        if not seen.prepared and _LITERAL.search(seen.text):
            self.with_values += 1
            return
        statement = _sample(seen.text, rights)
        self.statements[statement.name] = statement

    def consumer(self, feature: str, before: Consumer | None) -> Consumer:
        """The file's content: what was seen, added to what the file before says."""
        features = dict(before.features) if before else {}
        known = features.get(feature, Feature())
        features[feature] = Feature(
            reads=_merged(known.reads, self.usage.reads),
            inserts=_merged(known.inserts, self.usage.inserts),
            updates=_merged(known.updates, self.usage.updates),
            deletes=tuple(sorted({*known.deletes, *self.usage.deletes})),
            statements=tuple(
                statement
                for _, statement in sorted(({each.name: each for each in known.statements} | self.statements).items())
            ),
        )
        needs = {table: dict(columns) for table, columns in (before.needs if before else {}).items()}
        for table, columns in self.needs.items():
            needs.setdefault(table, {}).update(columns)
        return Consumer(features=features, needs=needs)


def _merged(known: Mapping[str, Iterable[str]], seen: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    tables = sorted({*known, *seen})
    return {table: tuple(sorted({*known.get(table, ()), *seen.get(table, ())})) for table in tables}


def _sample(text: str, rights: StatementRights) -> SampleQuery:
    """The statement under a name of its own, with values of its parameters' types in place of those that were sent."""
    verb = text.split(None, 1)[0].lower()
    touched: Iterable[str] = sorted({*rights.usage.inserts, *rights.usage.updates, *rights.usage.deletes}) or sorted(
        rights.usage.reads
    )
    digest = hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:_NAME_LETTERS]
    values = tuple(as_json(sample_value(name)) for name in rights.types)
    return SampleQuery(name=f"{verb} {next(iter(touched))} {digest}", sql=text, values=values)
