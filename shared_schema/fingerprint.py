"""A short text that is another one when the tables that a service needs have changed; cheap enough to ask often."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, text

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


def read_fingerprint(connection: Connection, keys: Collection[str]) -> str:
    """The fingerprint of these tables as they are now, and of what the connection's role may do with them.

    Raises:
        SQLAlchemyError: the database refuses.
    """
    names = {name for key in keys for name in (key, key.partition(".")[2]) if name}
    found = connection.execute(_FINGERPRINT, {"names": sorted(names), "keys": sorted(keys)})
    return str(found.scalar_one())
