"""simplejwt's settings, as the contract has them."""

from pydantic import BaseModel, ConfigDict


class TokenSettings(BaseModel):
    """simplejwt's settings under their own names, in small letters; without the keys. Times are in seconds.

    Source: https://django-rest-framework-simplejwt.readthedocs.io/en/latest/settings.html
    """

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
    # The classes of tokens that sign requests, in their order, each with the type that its tokens name.
    auth_token_classes: tuple[tuple[str, str], ...] = (("AccessToken", "access"),)
    sliding_token_lifetime: float = 300
    sliding_token_refresh_lifetime: float = 86_400
    sliding_token_refresh_exp_claim: str = "refresh_exp"  # noqa: S105 - as above
