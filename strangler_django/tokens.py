"""simplejwt's exchange of tokens, with what it lacks: name the serializer as TOKEN_REFRESH_SERIALIZER.

Where ATOMIC_REQUESTS is set, the view goes without: `transaction.non_atomic_requests(TokenRefreshView.as_view())`. The
refusal of a token would take back what it ends.
"""

from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import AuthenticationFailed as DrfAuthenticationFailed
from rest_framework_simplejwt.exceptions import AuthenticationFailed, TokenBackendError, TokenError
from rest_framework_simplejwt.serializers import TokenRefreshSerializer as SimpleTokenRefreshSerializer
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.state import token_backend
from rest_framework_simplejwt.tokens import RefreshToken

from shared_schema.tokens import EXCHANGE_GRACE, FAMILY, REFRESH, revoke_claim_value


class FamilyRefreshToken(RefreshToken):
    """A refresh token with the id of the first token of its family."""

    def set_jti(self) -> None:
        """A new id; the first one stays as the family's."""
        if api_settings.JTI_CLAIM in self.payload:
            self.payload.setdefault(FAMILY, self.payload[api_settings.JTI_CLAIM])
        super().set_jti()


class TokenRefreshSerializer(SimpleTokenRefreshSerializer):
    """simplejwt's, but a deleted user's token is a 401 and not a 500, and CHECK_REVOKE_TOKEN holds here too.

    Without it the exchange works after the password has changed, and gives tokens that no view accepts. A token that
    was exchanged more than 10 s ago was copied, so its whole family ends (RFC 9700, 4.14.2).
    """

    token_class = FamilyRefreshToken

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        """The new pair of tokens."""
        try:
            with transaction.atomic():
                return self._exchange(attrs)
        except TokenError:
            self._end_family(attrs["refresh"])
            raise

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
