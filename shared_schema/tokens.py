"""What a token is: the claims and lifetimes that both stacks issue and accept.

Source: djangorestframework-simplejwt's settings of the same names. Both stacks read this module,
so a token of either is a token of the other.
"""

from datetime import timedelta
from typing import Final

ALGORITHM: Final = "HS256"
ACCESS_TOKEN_LIFETIME: Final = timedelta(minutes=30)
REFRESH_TOKEN_LIFETIME: Final = timedelta(days=7)

AUTH_HEADER_TYPE: Final = "Bearer"
WWW_AUTHENTICATE: Final = 'Bearer realm="api"'

TOKEN_TYPE_CLAIM: Final = "token_type"  # noqa: S105 - the name of a claim, no secret
JTI_CLAIM: Final = "jti"
USER_ID_CLAIM: Final = "user_id"
USER_ID_FIELD: Final = "id"

ACCESS: Final = "access"
REFRESH: Final = "refresh"
