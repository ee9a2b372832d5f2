"""Reading the catalog of a live PostgreSQL, with a fixed number of statements, and its fingerprint."""

from collections.abc import Collection, Iterable
from typing import Any, Final

from sqlalchemy import Connection, text

from shared_schema.catalog import (
    SYNC_TRIGGER,
    Catalog,
    CatalogColumn,
    CatalogConstraint,
    CatalogIndex,
    CatalogTable,
    CatalogType,
    table_key,
)

_KINDS: Final = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
}
_CONSTRAINTS: Final = {"p": "primary key", "u": "unique", "f": "foreign key", "c": "check", "x": "exclusion"}
_IDENTITIES: Final = {"a": "always", "d": "by default"}

# Of the catalog's rows what a consumer can trip over: columns, their types, what they may hold, and who may use them.
# 1 ms for the example's ten tables, and no more beside 500 others.
_FINGERPRINT: Final = text("""
    SELECT md5(concat(
        (SELECT string_agg(concat_ws(' ', pg_class.oid, relkind, relrowsecurity, relforcerowsecurity, relacl::text,
                has_schema_privilege(pg_namespace.oid, 'USAGE'),
                (SELECT string_agg(concat_ws(' ', attnum, attname, atttypid, atttypmod, attcollation, attnotnull,
                        atthasdef, attidentity, attgenerated, attacl::text), ',' ORDER BY attnum)
                    FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped)
            ), ';' ORDER BY pg_class.oid)
            FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
            WHERE relname = ANY(CAST(:names AS name[])) AND relkind IN ('r', 'p', 'v', 'm', 'f')
            AND CASE WHEN nspname = current_schema() THEN relname ELSE nspname || '.' || relname END
                = ANY(CAST(:keys AS text[]))),
        '|',
        (SELECT string_agg(roleid::text, ',' ORDER BY roleid) FROM pg_auth_members
            WHERE member = (SELECT oid FROM pg_roles WHERE rolname = current_user))
    ))
""")


def read_catalog(connection: Connection) -> Catalog:
    """All tables and views of the connected database but PostgreSQL's own.

    Raises:
        SQLAlchemyError: the database refuses.
    """
    schema: str = connection.execute(text("SELECT coalesce(current_schema(), 'public')")).scalar_one()
    parts = {
        name: _by_table(connection.execute(text(statement)).all(), schema) for name, statement in _STATEMENTS.items()
    }
    types = connection.execute(text(_TYPES)).all()
    return Catalog(
        schema=schema,
        database=connection.execute(text("SELECT current_database()")).scalar_one(),
        types={row.name: CatalogType(kind=row.kind, parts=tuple(row.parts)) for row in types},
        tables={
            key: CatalogTable(
                name=row.name,
                schema=row.schema,
                kind=_KINDS[row.kind],
                definition=row.definition,
                columns={column.name: _column(column) for column in parts["columns"].get(key, ())},
                constraints=tuple(_constraint(row, schema) for row in parts["constraints"].get(key, ())),
                indexes=tuple(_index(row) for row in parts["indexes"].get(key, ())),
                triggers={row.name: row.definition for row in parts["triggers"].get(key, ())},
                row_security=row.row_security,
                oid=row.oid,
                part_of=row.part_of,
            )
            for key, (row,) in parts["tables"].items()
        },
    )


def _by_table(rows: Iterable[Any], default: str) -> dict[str, list[Any]]:
    by_table: dict[str, list[Any]] = {}
    for row in rows:
        by_table.setdefault(table_key(row.schema, row.relation, default=default), []).append(row)
    return by_table


def _column(row: Any) -> CatalogColumn:  # noqa: ANN401 - a row of the statement below
    return CatalogColumn(
        type=row.type,
        nullable=row.nullable,
        default=row.default,
        identity=_IDENTITIES.get(row.identity),
        generated=row.generated,
        collation=row.collation,
        expression=row.expression,
        place=row.place,
        validated=row.validated,
        filled=row.filled,
    )


def _constraint(row: Any, default: str) -> CatalogConstraint:  # noqa: ANN401 - as above
    return CatalogConstraint(
        name=row.name,
        kind=_CONSTRAINTS[row.kind],
        columns=tuple(row.columns),
        definition=row.definition,
        target=table_key(row.target_schema, row.target, default=default) if row.target else None,
        target_columns=tuple(row.target_columns),
        deferrable=row.deferrable,
        validated=row.validated,
    )


def _index(row: Any) -> CatalogIndex:  # noqa: ANN401 - as above
    return CatalogIndex(
        name=row.name,
        columns=tuple(row.columns),
        definition=row.definition,
        unique=row.is_unique,
        method=row.method,
        partial=row.partial,
        constrains=row.constrains,
        valid=row.valid,
    )


_OURS: Final = """
    namespace.nspname NOT IN ('pg_catalog', 'information_schema') AND namespace.nspname NOT LIKE 'pg\\_%'
    AND relation.relkind IN ('r', 'p', 'v', 'm', 'f')
"""
_NAMED: Final = "namespace.nspname AS schema, relation.relname AS relation"
_FROM: Final = "pg_class AS relation JOIN pg_namespace AS namespace ON namespace.oid = relation.relnamespace"
# ruff: noqa: S608 - the statements are made of the constants above
_STATEMENTS: Final = {
    "tables": f"""
        SELECT {_NAMED}, relation.relname AS name, relation.relkind::text AS kind,
            CASE WHEN relation.relkind IN ('v', 'm') THEN pg_get_viewdef(relation.oid) END AS definition,
            relation.relrowsecurity AS row_security, relation.oid::bigint AS oid,
            coalesce(
                (SELECT extname FROM pg_depend JOIN pg_extension ON pg_extension.oid = refobjid
                    WHERE classid = 'pg_class'::regclass AND objid = relation.oid AND deptype = 'e'),
                (SELECT inhparent::regclass::text FROM pg_inherits
                    WHERE inhrelid = relation.oid AND relation.relispartition)
            ) AS part_of
        FROM {_FROM} WHERE {_OURS} ORDER BY 1, 2
    """,
    "columns": f"""
        SELECT {_NAMED}, attname AS name, format_type(atttypid, atttypmod) AS type,
            NOT (attnotnull OR typnotnull) AS nullable,
            CASE WHEN attgenerated = '' THEN coalesce(pg_get_expr(adbin, adrelid), typdefault) END AS default,
            CASE WHEN attgenerated <> '' THEN pg_get_expr(adbin, adrelid) END AS expression,
            attidentity::text AS identity, attgenerated <> '' AS generated,
            CASE WHEN attcollation <> typcollation THEN attcollation::regcollation::text END AS collation,
            attnum::integer AS place,
            NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = attrelid AND contype = 'n' AND NOT convalidated
                AND attnum = ANY(conkey)) AS validated,
            EXISTS (SELECT FROM pg_trigger WHERE tgrelid = relation.oid AND tgname LIKE '{SYNC_TRIGGER}%'
                AND encode(convert_to(attname, 'UTF8'), 'escape')
                    = ANY(string_to_array(encode(tgargs, 'escape'), '\\000'))) AS filled
        FROM {_FROM}
        JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
        JOIN pg_type ON pg_type.oid = atttypid
        LEFT JOIN pg_attrdef ON adrelid = relation.oid AND adnum = attnum
        WHERE {_OURS} ORDER BY 1, 2, attnum
    """,
    # Kinds that Django knows; NOT NULL is a constraint of its own since PostgreSQL 18, and a column's fact here.
    "constraints": f"""
        SELECT {_NAMED}, conname AS name, contype::text AS kind, pg_get_constraintdef(pg_constraint.oid) AS definition,
            ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS key (number, place)
                JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY place) AS columns,
            ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS key (number, place)
                JOIN pg_attribute ON attrelid = confrelid AND attnum = number ORDER BY place) AS target_columns,
            target.relname AS target, target_namespace.nspname AS target_schema,
            condeferrable AS deferrable, convalidated AS validated
        FROM {_FROM}
        JOIN pg_constraint ON conrelid = relation.oid AND contype IN ('p', 'u', 'f', 'c', 'x')
        LEFT JOIN pg_class AS target ON target.oid = confrelid
        LEFT JOIN pg_namespace AS target_namespace ON target_namespace.oid = target.relnamespace
        WHERE {_OURS} ORDER BY 1, 2, conname
    """,
    "indexes": f"""
        SELECT {_NAMED}, index.relname AS name, pg_get_indexdef(index.oid) AS definition, indisunique AS is_unique,
            amname AS method, indpred IS NOT NULL AS partial, indisvalid AS valid,
            EXISTS (SELECT FROM pg_constraint WHERE conindid = index.oid AND contype IN ('p', 'u', 'x')) AS constrains,
            ARRAY(SELECT pg_get_indexdef(index.oid, place, true) || CASE WHEN indoption[place - 1] & 1 = 1
                THEN ' DESC' ELSE '' END FROM generate_series(1, indnkeyatts::integer) AS place) AS columns
        FROM {_FROM}
        JOIN pg_index ON indrelid = relation.oid
        JOIN pg_class AS index ON index.oid = indexrelid
        JOIN pg_am ON pg_am.oid = index.relam
        WHERE {_OURS} ORDER BY 1, 2, 3
    """,
    "triggers": f"""
        SELECT {_NAMED}, tgname AS name,
            concat_ws(E'\\n', pg_get_triggerdef(pg_trigger.oid), tgenabled, prosrc) AS definition
        FROM {_FROM}
        JOIN pg_trigger ON tgrelid = relation.oid AND NOT tgisinternal
        JOIN pg_proc ON pg_proc.oid = tgfoid
        WHERE {_OURS}
        UNION ALL
        SELECT {_NAMED}, rulename, pg_get_ruledef(pg_rewrite.oid) FROM {_FROM}
        JOIN pg_rewrite ON ev_class = relation.oid AND ev_type <> '1'
        WHERE {_OURS} ORDER BY 1, 2, 3
    """,
}
_TYPES: Final = """
    SELECT format_type(pg_type.oid, NULL) AS name, CASE typtype WHEN 'e' THEN 'enum' ELSE 'domain' END AS kind,
        CASE typtype WHEN 'e' THEN ARRAY(SELECT enumlabel::text FROM pg_enum
            WHERE enumtypid = pg_type.oid ORDER BY enumsortorder)
        ELSE ARRAY(SELECT format_type(typbasetype, typtypmod)
            UNION ALL (SELECT pg_get_constraintdef(pg_constraint.oid) FROM pg_constraint
                WHERE contypid = pg_type.oid ORDER BY 1)) END AS parts
    FROM pg_type JOIN pg_namespace ON pg_namespace.oid = typnamespace
    WHERE typtype IN ('e', 'd') AND nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1
"""


def read_fingerprint(connection: Connection, keys: Collection[str]) -> str:
    """The fingerprint of these tables as they are now, and of what the connection's role may do with them.

    Raises:
        SQLAlchemyError: the database refuses.
    """
    names = {name for key in keys for name in (key, key.partition(".")[2]) if name}
    result = connection.execute(_FINGERPRINT, {"names": sorted(names), "keys": sorted(keys)})
    return str(result.scalar_one())
