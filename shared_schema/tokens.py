"""The token settings of simplejwt, as in the contract; either stack accepts the tokens of the other.

Source: https://django-rest-framework-simplejwt.readthedocs.io/en/latest/settings.html
"""

import hashlib
from datetime import timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict

ACCESS: Final = "access"
REFRESH: Final = "refresh"

# The claim of an exchanged refresh token: the id of the first token of its family.
FAMILY: Final = "family"
# A client may send two exchanges at once, or repeat one whose response was lost.
EXCHANGE_GRACE: Final = timedelta(seconds=10)

WWW_AUTHENTICATE: Final = 'Bearer realm="api"'


class TokenSettings(BaseModel):
    """simplejwt's settings under their own names, in small letters; without the keys. Times are in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    algorithm: str = "HS256"
    access_token_lifetime: float = 300
    refresh_token_lifetime: float = 86_400
    rotate_refresh_tokens: bool = False
    blacklist_after_rotation: bool = False
    update_last_login: bool = False
    auth_header_types: tuple[str, ...] = ("Bearer",)
    token_type_claim: str = "token_type"  # noqa: S105 - the name of a claim, no secret
    jti_claim: str = "jti"
    user_id_claim: str = "user_id"
    user_id_field: str = "id"
    audience: str | tuple[str, ...] | None = None
    issuer: str | None = None
    leeway: float = 0
    check_revoke_token: bool = False
    revoke_token_claim: str = "hash_password"  # noqa: S105 - as above
    # Whether a refresh token that was exchanged before ends those that came of it (`FAMILY`).
    revoke_token_family: bool = False


def revoke_claim_value(encoded: str) -> str:
    """The claim that binds a token to its user's password hash, so that a new password ends it (CHECK_REVOKE_TOKEN).

    simplejwt's `get_md5_hash_password`: of a salted hash, and no secret by itself.
    """
    return hashlib.md5(encoded.encode(), usedforsecurity=False).hexdigest().upper()
