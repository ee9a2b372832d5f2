"""What passes is a refusal; faults of the request or of the code are none."""

import psycopg
import pytest

from shared_schema.refusals import AWAY, CONFLICT, FULL, READ_ONLY, Refusal, refusal_of


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (psycopg.errors.DeadlockDetected, CONFLICT),
        (psycopg.errors.LockNotAvailable, CONFLICT),
        (psycopg.errors.ReadOnlySqlTransaction, READ_ONLY),
        (psycopg.errors.TooManyConnections, AWAY),
        (psycopg.errors.QueryCanceled, AWAY),
        (psycopg.errors.AdminShutdown, AWAY),
        (psycopg.errors.ObjectNotInPrerequisiteState, AWAY),
        (psycopg.errors.DiskFull, FULL),
        (psycopg.errors.OutOfMemory, FULL),
        (psycopg.errors.UniqueViolation, None),
        (psycopg.errors.UndefinedColumn, None),
        (psycopg.errors.RaiseException, None),
    ],
)
def test_a_state_is_what_postgresql_calls_it(error: type[psycopg.Error], refusal: Refusal | None) -> None:
    assert refusal_of(error.sqlstate) == refusal


def test_no_state_is_no_refusal() -> None:
    assert refusal_of(None) is None
