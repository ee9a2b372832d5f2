"""simplejwt's exchange of tokens, which ends with the user's password: name it as TOKEN_REFRESH_SERIALIZER."""

from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import AuthenticationFailed as DrfAuthenticationFailed
from rest_framework_simplejwt.exceptions import AuthenticationFailed
from rest_framework_simplejwt.serializers import TokenRefreshSerializer as SimpleTokenRefreshSerializer
from rest_framework_simplejwt.settings import api_settings

from shared_schema.tokens import revoke_claim_value


class TokenRefreshSerializer(SimpleTokenRefreshSerializer):
    """simplejwt's, but a deleted user's token is a 401 and not a 500, and CHECK_REVOKE_TOKEN holds here too.

    Without it the exchange goes on after the password has changed, and gives tokens that no view accepts.
    """

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        """The new pair of tokens."""
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
        # Who may not sign in at all is told so by simplejwt.
        if api_settings.USER_AUTHENTICATION_RULE(user) and stated != revoke_claim_value(user.password):
            raise AuthenticationFailed(_("The user's password has been changed."), code="password_changed")
