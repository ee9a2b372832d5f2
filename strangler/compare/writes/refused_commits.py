"""Has a copy of the database refuse what is committed: a side that answers with success before its commit shows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

import psycopg
from psycopg import sql

from strangler.compare.client.client import TimedResponse
from strangler.compare.comparison import CaseOutcome, CaseResult
from strangler.compare.differ import DifferenceKind, ResponseDifference
from strangler.compare.writes.tables import Table

# As PostgreSQL says it of a full disk, so that services answer as they do then.
_FUNCTION: Final = """
    CREATE FUNCTION public.strangler_refuse_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'the commit is refused' USING ERRCODE = 'disk_full'; END $$
"""
_DROP: Final = "DROP FUNCTION public.strangler_refuse_commit() CASCADE"


@contextmanager
def commits_refused(copy: psycopg.Connection, tables: Sequence[Table]) -> Iterator[None]:
    """While the `with` block lasts, the copy refuses each transaction that has changed a row, at its end.

    :raises psycopg.Error: it can't be prepared.
    """
    # PostgreSQL has no such trigger for a table of partitions.
    names = [sql.Identifier(table.schema, table.name) for table in tables if not table.partitioned]
    triggers = [
        sql.SQL(
            "CREATE CONSTRAINT TRIGGER strangler_refuse_commit AFTER INSERT OR UPDATE OR DELETE ON {}"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.strangler_refuse_commit()"
        ).format(name)
        for name in names
    ]
    copy.execute(sql.SQL("; ").join([sql.SQL(_FUNCTION), *triggers]))
    try:
        yield
    finally:
        copy.execute(_DROP)


def refusals_compare(left: TimedResponse, right: TimedResponse) -> CaseResult | None:
    """What two answers say of a commit that was refused: that it failed, in whatever words; None where neither says so.

    A side that nothing was refused to has written nothing, and is compared as always; so is one that isn't ported yet,
    and a 500 where the other refuses what it was sent: Django may have failed before the commit.
    """
    if HTTPStatus.NOT_IMPLEMENTED in (left.answer.status, right.answer.status):
        return None
    if left.answer.status == HTTPStatus.INTERNAL_SERVER_ERROR and _is_refused(right):
        return None
    failed = [asked.answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR for asked in (left, right)]
    if not any(failed):
        return None
    if all(failed):
        return CaseResult(outcome=CaseOutcome.EQUAL, left=left, right=right)
    found = ResponseDifference(kind=DifferenceKind.STATUS, left=left.answer.status, right=right.answer.status)
    return CaseResult(outcome=CaseOutcome.DIFFERENT, found=(found,), left=left, right=right)


def _is_refused(asked: TimedResponse) -> bool:
    return HTTPStatus.BAD_REQUEST <= asked.answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
