"""simplejwt's sign-in, limited by name: name it as TOKEN_OBTAIN_SERIALIZER.

Where ATOMIC_REQUESTS is set, the view goes without: `transaction.non_atomic_requests(TokenObtainPairView.as_view())`.
A refused request would take its attempt back.
"""

from typing import Any

from django.db import transaction
from rest_framework.exceptions import Throttled
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer as SimpleTokenObtainPairSerializer

from strangler_django.hashers import hashing_admit
from strangler_django.sign_in.attempts import attempt_begin, attempts_forget


class TokenObtainPairSerializer(SimpleTokenObtainPairSerializer):
    """simplejwt's, but too many attempts by one name are a 429, whether there is such an account or not."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        """The new pair of tokens."""
        # A password that nobody checks is no failure to count.
        hashing_admit()
        name = attrs[self.username_field]
        with transaction.atomic(durable=True):
            wait = attempt_begin(name)
        if wait:
            raise Throttled(wait)
        with transaction.atomic():
            tokens = super().validate(attrs)
            attempts_forget(name)
        return tokens
