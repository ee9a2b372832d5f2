"""What Django keeps in Python as PostgreSQL says it: checks, and what a delete does along a foreign key."""

import re
from typing import Final

from shared_schema.catalog import CatalogTable
from shared_schema.contract.checks import ColumnRule
from shared_schema.contract.contract import ReferenceFacts
from strangler.handover.steps import listed, literal, quoted

_ON_DELETE: Final = re.compile(r" ON DELETE (CASCADE|RESTRICT|SET NULL(?: \([^)]*\))?|SET DEFAULT(?: \([^)]*\))?)$")
_TIMING: Final = re.compile(r"( DEFERRABLE)?( INITIALLY DEFERRED)?( NOT ENFORCED)?( NOT VALID)?$")


def rule_sql(rule: ColumnRule) -> str:
    """The expression of the rule's CHECK."""
    column, values = quoted(rule.column), [literal(value) for value in rule.values]
    length = f"length({column})"
    # As text: PostgreSQL spells a list of character varying in another way each time that it reads its own spelling.
    listed_column = f"{column}::text" if isinstance(rule.values[0], str) else column
    expression = {
        "choices": f"{listed_column} IN ({', '.join(values)})",
        "min": f"{column} >= {values[0]}",
        "max": f"{column} <= {values[0]}",
        "min_length": f"{length} >= {values[0]}",
        "max_length": f"{length} <= {values[0]}",
    }[rule.kind]
    return f"{expression} OR {column} = ''" if rule.or_empty else expression


def violations_query(table: CatalogTable, rule: ColumnRule) -> tuple[str, str]:
    """Two queries on the rows that break a rule: how many, and the keys of three."""
    where = f"FROM {quoted(table.schema, table.name)} WHERE NOT ({rule_sql(rule)})"
    key = listed(table.primary_key) or "ctid"
    return f"SELECT count(*) {where}", f"SELECT concat_ws(', ', {key}) {where} ORDER BY {key} LIMIT 3"


def on_delete_set(definition: str, rule: str) -> str:
    """A foreign key's definition, in PostgreSQL's spelling, with another ON DELETE."""
    timing = _TIMING.search(definition)
    end = timing.start() if timing else len(definition)
    # At the end alone: a name in quotes may hold any words.
    head = _ON_DELETE.sub("", definition[:end])
    return f"{head} ON DELETE {rule}{definition[end:]}"


def set_text(reference: ReferenceFacts) -> str:
    """An on_delete that PostgreSQL has no rule for, as Django's model spells it."""
    if reference.on_delete == "SET" and reference.set_to_callable is None:
        return f"SET({reference.set_to!r})"
    return f"{'SET' if reference.on_delete == 'SET' else 'on_delete'}({reference.set_to_callable})"
