"""What a plan needs of a database: its catalog, its serial sequences, and the rows that would break a check."""

from collections.abc import Collection
from typing import Final

import psycopg

from shared_schema.catalog import Catalog, table_key
from shared_schema.catalog_reading import read_catalog
from shared_schema.contract.checks import table_rules
from shared_schema.contract.contract import Contract
from strangler.databases.connections import connected, live_connection, refusals
from strangler.handover.rules import violations_query
from strangler.handover.steps import StepPlan, quoted
from strangler.handover.table_steps import LiveFacts, SerialSequence, Violation, plan_steps

# Columns that take their numbers from a sequence that is theirs alone.
_SERIALS: Final = """
    SELECT owner_schema.nspname, owner.relname, attname, sequence_schema.nspname, sequence.relname,
        format('AS %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s%s', seqtypid::regtype, seqstart,
            seqincrement, seqmin, seqmax, seqcache, CASE WHEN seqcycle THEN ' CYCLE' ELSE '' END),
        ARRAY(SELECT format('GRANT %s ON SEQUENCE %I.%I TO %s%s', privilege_type, sequence_schema.nspname,
                sequence.relname, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
                CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
            FROM aclexplode(sequence.relacl) WHERE grantee <> sequence.relowner
            ORDER BY grantee, privilege_type)
    FROM pg_depend
    JOIN pg_class AS sequence ON sequence.oid = objid AND sequence.relkind = 'S'
    JOIN pg_namespace AS sequence_schema ON sequence_schema.oid = sequence.relnamespace
    JOIN pg_sequence ON seqrelid = sequence.oid
    JOIN pg_class AS owner ON owner.oid = refobjid
    JOIN pg_namespace AS owner_schema ON owner_schema.oid = owner.relnamespace
    JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
    WHERE pg_depend.classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND deptype = 'a'
"""


def plan_for(
    dsn: str, contract: Contract, *, without: Collection[str] = (), skipped: Collection[str] = ()
) -> tuple[StepPlan, tuple[str, ...]]:
    """The steps for a database, and the names of the checks that its rows would break.

    `skipped` are names of checks that another database did not get, and this one shall not get either.

    :raises FailedError: the database doesn't answer, or refuses.
    """
    with live_connection(dsn) as reading:
        catalog = read_catalog(reading)
    with connected(dsn) as connection:
        checks = "checks" not in without
        live = LiveFacts(
            serials=_serials(connection, catalog),
            violations=_violations(connection, contract, catalog, skipped) if checks else {},
            skipped=skipped,
        )
    return plan_steps(contract, catalog, live, without=without), tuple(live.violations)


def _serials(connection: psycopg.Connection, catalog: Catalog) -> dict[tuple[str, str], SerialSequence]:
    with refusals():
        rows = connection.execute(_SERIALS).fetchall()
    return {
        (table_key(schema, table, default=catalog.schema), column): SerialSequence(
            schema=sequence_schema, name=name, options=options, grants=tuple(grants)
        )
        for schema, table, column, sequence_schema, name, options, grants in rows
    }


def _violations(
    connection: psycopg.Connection, contract: Contract, catalog: Catalog, skipped: Collection[str]
) -> dict[str, Violation]:
    """Each check is one read of its table, unless it is there already."""
    found: dict[str, Violation] = {}
    for key, facts in contract.tables.items():
        table = catalog.tables.get(key)
        if table is None or table.kind != "table" or not facts.managed:
            continue
        present = {constraint.name for constraint in table.constraints}
        for rule in table_rules(facts):
            if rule.column not in table.columns or rule.name in present or rule.name in skipped:
                continue
            count_query, keys_query = violations_query(table, rule)
            with refusals(hint=f"let DATABASE_URL name a role that reads {quoted(table.schema, table.name)}"):
                ((count,),) = connection.execute(count_query.encode()).fetchall()
                if count:
                    keys = connection.execute(keys_query.encode()).fetchall()
                    found[rule.name] = Violation(count=count, keys=tuple(str(value) for (value,) in keys))
    return found
