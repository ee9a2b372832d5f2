"""simplejwt's exchange of tokens, with what it lacks: name the serializer as TOKEN_REFRESH_SERIALIZER.

Where ATOMIC_REQUESTS is set, the view goes without: `transaction.non_atomic_requests(TokenRefreshView.as_view())`. The
refusal of a token would take back what it ends.
"""

from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import AuthenticationFailed as DrfAuthenticationFailed
from rest_framework_simplejwt.exceptions import AuthenticationFailed, TokenBackendError, TokenError
from rest_framework_simplejwt.serializers import TokenRefreshSerializer as SimpleTokenRefreshSerializer
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.state import token_backend
from rest_framework_simplejwt.tokens import RefreshToken

from shared_schema.tokens import EXCHANGE_GRACE, FAMILY, PARENT, REFRESH, revoke_claim_value


class FamilyRefreshToken(RefreshToken):
    """A refresh token with the ids of the first token of its family, and of the one that it was exchanged for."""

    def set_jti(self) -> None:
        """A new id; the first one stays as the family's."""
        if (spent := self.payload.get(api_settings.JTI_CLAIM)) is not None:
            self.payload.setdefault(FAMILY, spent)
            self.payload[PARENT] = spent
        super().set_jti()

    def blacklist(self) -> Any:  # noqa: ANN401 - simplejwt's own
        """Blacklist it; of several exchanges at once, one does.

        :raises TokenError: another has.
        """
        row, is_first = super().blacklist()
        if not is_first:
            raise TokenError(_("Token is blacklisted"))
        return row, is_first


class RepeatedRefreshToken(FamilyRefreshToken):
    """A refresh token that was exchanged already."""

    def check_blacklist(self) -> None:
        """It is blacklisted, as its exchange has left it."""

    def blacklist(self) -> None:
        """As above."""


class TokenRefreshSerializer(SimpleTokenRefreshSerializer):
    """simplejwt's, but a deleted user's token is a 401 and not a 500, and CHECK_REVOKE_TOKEN holds here too.

    Without it the exchange works after the password has changed, and gives tokens that no view accepts. An exchange
    whose answer was lost can be repeated once within 10 s, unless what came of it was used. A token that was exchanged
    more than 10 s ago was copied, so its whole family ends (RFC 9700, 4.14.2).
    """

    token_class = FamilyRefreshToken

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        """The new pair of tokens."""
        try:
            with transaction.atomic():
                return self._exchange(attrs)
        except TokenError:
            with transaction.atomic():
                if self._may_repeat(attrs["refresh"]):
                    self.token_class = RepeatedRefreshToken
                    return self._exchange(attrs)
            self._end_family(attrs["refresh"])
            raise

    def _may_repeat(self, text: str) -> bool:
        """Whether one token alone came of a token's exchange, a moment ago, and wasn't used.

        Until the transaction ends, nobody else repeats it.
        """
        if not apps.is_installed("rest_framework_simplejwt.token_blacklist"):
            return False
        from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

        try:
            payload = token_backend.decode(text)
        except TokenBackendError:
            return False
        jti, now = payload.get(api_settings.JTI_CLAIM), timezone.now()
        recent = BlacklistedToken.objects.filter(token__jti=jti, blacklisted_at__gt=now - EXCHANGE_GRACE)
        spent = recent.select_related("token").first()
        if spent is None or spent.token.user_id is None:
            return False
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [jti])
        # Each stack has its own clock, and writes its own time.
        issued = OutstandingToken.objects.filter(user=spent.token.user_id, created_at__gt=now - 2 * EXCHANGE_GRACE)
        used = [
            hasattr(token, "blacklistedtoken")
            for token in issued.select_related("blacklistedtoken")
            if token_backend.decode(token.token, verify=False).get(PARENT) == jti
        ]
        return used == [False]

    def _end_family(self, text: str) -> None:
        """Blacklist all that came of a token, if it is a good one that was blacklisted more than 10 s ago."""
        if not apps.is_installed("rest_framework_simplejwt.token_blacklist"):
            return
        from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

        try:
            payload = token_backend.decode(text)
        except TokenBackendError:
            return
        jti, before = payload.get(api_settings.JTI_CLAIM), timezone.now() - EXCHANGE_GRACE
        spent = BlacklistedToken.objects.filter(token__jti=jti, blacklisted_at__lte=before).first()
        if spent is None or payload.get(api_settings.TOKEN_TYPE_CLAIM) != REFRESH or spent.token.user_id is None:
            return
        family = payload.get(FAMILY, jti)
        alive = OutstandingToken.objects.filter(
            user=spent.token.user_id, expires_at__gt=timezone.now(), blacklistedtoken__isnull=True
        )
        with transaction.atomic(durable=True):
            for token in alive:
                if token.jti == family or token_backend.decode(token.token, verify=False).get(FAMILY) == family:
                    BlacklistedToken.objects.get_or_create(token=token)

    def _exchange(self, attrs: dict[str, Any]) -> dict[str, str]:
        user_model = get_user_model()
        try:
            if api_settings.CHECK_REVOKE_TOKEN:
                self._refuse_revoked(attrs["refresh"])
            return super().validate(attrs)
        except user_model.DoesNotExist as error:
            message = self.error_messages["no_active_account"]
            raise DrfAuthenticationFailed(message, "no_active_account") from error

    def _refuse_revoked(self, text: str) -> None:
        token = self.token_class(text)
        user_id = token.payload.get(api_settings.USER_ID_CLAIM)
        if not user_id:
            return
        user = get_user_model().objects.get(**{api_settings.USER_ID_FIELD: user_id})
        stated = token.payload.get(api_settings.REVOKE_TOKEN_CLAIM)
        # simplejwt reports users who may not sign in at all.
        if api_settings.USER_AUTHENTICATION_RULE(user) and stated != revoke_claim_value(user.password):
            raise AuthenticationFailed(_("The user's password has been changed."), code="password_changed")
