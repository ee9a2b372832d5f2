"""How tables and types are called, by Django and by PostgreSQL."""

import re

_DEFAULT_SCHEMA = "public"

# What PostgreSQL's format_type calls the types that Django spells otherwise.
_TYPES = {
    "varchar": "character varying",
    "char": "character",
    "time": "time without time zone",
    "timestamp": "timestamp without time zone",
    "bool": "boolean",
    "int": "integer",
    "serial": "integer",
    "bigserial": "bigint",
    "smallserial": "smallint",
    "decimal": "numeric",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "timestamptz": "timestamp with time zone",
    "timetz": "time with time zone",
}


def table_address(db_table: str) -> tuple[str | None, str]:
    """Schema and name of a table; `"audit"."entries"` is how Django names another schema, None is the default."""
    schema, dot, name = db_table.strip('"').rpartition('"."')
    return (schema, name) if dot and schema != _DEFAULT_SCHEMA else (None, name)


def table_key(db_table: str) -> str:
    """What the contract calls a table: its name, or `schema.name` outside the default schema."""
    schema, name = table_address(db_table)
    return name if schema is None else f"{schema}.{name}"


def type_name(db_type: str) -> str:
    """A type as PostgreSQL itself spells it (`format_type`)."""
    found = re.fullmatch(r"(?P<name>[^(\[]*[^(\[\s])\s*(?P<size>\([^)]*\))?(?P<rest>.*)", db_type)
    if found is None:
        return db_type
    name = _TYPES.get(found["name"].lower(), found["name"])
    # PostgreSQL knows neither the size of an array nor how many dimensions it has.
    rest = re.sub(r"(\[\d*\])+", "[]", found["rest"])
    return name + (found["size"] or "").replace(" ", "") + rest
