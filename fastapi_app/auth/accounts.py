"""The caller of a request, and the tables of users and tokens."""

from dataclasses import dataclass, field

from fastapi_app.models import BlacklistedToken, OutstandingToken, SignInAttempts, User
from strangler_fastapi.auth.bearer_tokens import JWTAuthentication
from strangler_fastapi.auth.sign_in_attempts import AttemptTable
from strangler_fastapi.auth.token_tables import TokenTables


@dataclass(frozen=True)
class Account:
    """The caller of a request."""

    id: int
    is_active: bool
    is_staff: bool
    password: str = field(repr=False)


TOKEN_TABLES = TokenTables(
    user=User,
    outstanding=OutstandingToken,
    blacklisted=BlacklistedToken,
    account=Account,
    attempts=AttemptTable(SignInAttempts),
)
AUTHENTICATORS = (JWTAuthentication(TOKEN_TABLES.find_account),)
