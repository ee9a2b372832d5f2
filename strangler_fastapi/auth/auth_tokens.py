"""DRF's view of tokens: a username and a password get the user's (`rest_framework.authtoken.views.ObtainAuthToken`)."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import Executable, bindparam, select
from sqlalchemy.dialects.postgresql import insert
from starlette.responses import Response

from shared_schema.consumer.samples import MOMENT, Sample, sample_of
from shared_schema.sign_in import FAILURES
from strangler_fastapi.auth.sign_in import SignInTables, sign_in
from strangler_fastapi.auth.user_tables import Found
from strangler_fastapi.db.query import Rows, fetch, fetch_value
from strangler_fastapi.db.session import RequestSession, Session
from strangler_fastapi.drf.fields.fields import CharField, ReadOnlyField
from strangler_fastapi.drf.http.bodies import FormParser, JSONParser, MultiPartParser
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.http.urls import ApiPrefixes
from strangler_fastapi.drf.resources.sample_queries import as_sample
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router
from strangler_fastapi.errors import NON_FIELD_ERRORS, AuthenticationFailed, ErrorDetail, ValidationFailed

_KEY_BYTES = 20
_SERIALIZER = Serializer(
    "AuthToken",
    {
        "username": CharField(label="Username", write_only=True),
        "password": CharField(label="Password", write_only=True, trim=False),
        "token": ReadOnlyField(label="Token", type="string"),
    },
)


class AuthToken(BaseModel):
    """The token of a user, which stays the same."""

    token: str


@dataclass(frozen=True, kw_only=True)
class AuthTokenTables(SignInTables[Found]):
    """Those of users and of their tokens: `token` is the class of `authtoken_token`."""

    token: Any

    async def obtain(self, session: RequestSession, username: str, password: str, *, most_failures: int) -> str:
        """The token of the user with these credentials, made where it has none.

        Raises:
            ValidationFailed: there is none such, or the account is inactive.
            Throttled: too many sign-ins by this name have failed, where they are counted.
            Unavailable: too many passwords are being checked.
        """
        try:
            found = await sign_in(
                session,
                self,
                username=username,
                password=password,
                most_failures=most_failures,
                records_login=False,
            )
        except AuthenticationFailed:
            sentence = ErrorDetail("Unable to log in with provided credentials.", "authorization")
            raise ValidationFailed({NON_FIELD_ERRORS: [sentence]}) from None
        key = await fetch_value(session, self.key_of(found.id))
        if key is None:
            await fetch(session, self.add(found.id, secrets.token_hex(_KEY_BYTES), datetime.now(UTC)))
            # Another request may have been first.
            key = await fetch_value(session, self.key_of(found.id))
        return str(key)

    def key_of(self, user_id: Any) -> Rows:  # noqa: ANN401 - of the key's type
        """The token of a user."""
        table = self.token.__table__
        return self._rows(
            "token of user", lambda: select(table.c.key).where(table.c.user_id == bindparam("user_id")), user_id=user_id
        )

    def add(self, user_id: Any, key: str, now: datetime) -> Rows:  # noqa: ANN401 - as above
        """Gives a user a token, if it has none."""
        values = {"user_id": user_id, "key": key, "created": now}

        def build() -> Executable:
            row = insert(self.token.__table__).values({name: bindparam(name) for name in values})
            return row.on_conflict_do_nothing(index_elements=["user_id"])

        return self._rows("add token", build, **values)

    def statements(self) -> Iterator[Sample]:
        """Every statement, with samples of values."""
        yield from self.password_statements()
        user_id = sample_of(self._kind)
        renewed = [self.set_password(user_id, "sample")] if self.renews_passwords else []
        for rows in (*renewed, self.key_of(user_id), self.add(user_id, "sample", MOMENT)):
            yield as_sample(rows)
        if self.attempts is not None:
            yield from self.attempts.statements()


def auth_token_router(
    prefixes: ApiPrefixes,
    tables: AuthTokenTables[Any],
    *,
    path: str,
    name: str = "auth_token",
    **options: Any,  # noqa: ANN401 - as View has them
) -> APIRouter:
    """A router with the view at `path`; `name` is the feature's, `options` are of the view, such as its throttles."""
    router = feature_router(prefixes, name)
    view = View(
        router,
        path,
        name="Obtain Auth Token",
        methods=("POST",),
        permission=AllowAny,
        serializer=_SERIALIZER,
        parsers=(FormParser, MultiPartParser, JSONParser),
        **options,
    )

    async def answer(request: Request, session: Session) -> Response:
        """Sign in: the user's token."""
        data = await _SERIALIZER.read(request, session)
        failures = getattr(request.app.state, "sign_in_failures", FAILURES)
        key = await tables.obtain(session, data["username"], data["password"], most_failures=failures)
        return JsonResponse({"token": key})

    answer.__name__ = f"{name}_create"
    view.post(response=AuthToken)(answer)
    return router
