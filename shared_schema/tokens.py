"""What both stacks have to write alike into tokens, since either accepts those of the other.

Django imports this too, whose image has no Pydantic: simplejwt's settings are the contract's (`TokenSettings`).
"""

import hashlib
from datetime import timedelta
from typing import Final

ACCESS: Final = "access"
REFRESH: Final = "refresh"
SLIDING: Final = "sliding"

# The claim of an exchanged refresh token: the id of the first token of its family.
FAMILY: Final = "family"
# The claim of an exchanged refresh token: the id of the token that it was given for.
PARENT: Final = "parent"
# A client may send two exchanges at once, or repeat one whose response was lost: one more succeeds in this time, unless
# what came of the first was used. Later, a token that comes again ends its family.
EXCHANGE_GRACE: Final = timedelta(seconds=10)


def revoke_claim_value(encoded: str) -> str:
    """The claim that binds a token to its user's password hash, so that a new password ends it (CHECK_REVOKE_TOKEN).

    simplejwt's `get_md5_hash_password`: of a salted hash, and no secret by itself.
    """
    return hashlib.md5(encoded.encode(), usedforsecurity=False).hexdigest().upper()
