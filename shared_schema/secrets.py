"""The rule for weak secrets, which every service and the tool share."""

from typing import Final

SHORTEST_SECRET: Final = 32
# 16 of hexadecimal and more of base64; a random text of 32 characters has fewer than 8 once in 10^7 times.
_FEWEST_DIFFERENT: Final = 8
_PLACEHOLDERS: Final = ("change-me", "changeme", "strangler-demo", "placeholder", "insecure")


def secret_weakness(secret: str, *, production: bool = True) -> str | None:
    """The weakness of a secret, as the end of a sentence: "… is shorter than 32 characters"; None if it is strong.

    What is long enough and yet no random text, such as 40 zeros, is refused in production only.
    """
    if len(secret) < SHORTEST_SECRET:
        return f"a placeholder or shorter than {SHORTEST_SECRET} characters"
    if any(word in secret.lower() for word in _PLACEHOLDERS):
        return f"a placeholder or shorter than {SHORTEST_SECRET} characters"
    if production and len(set(secret)) < _FEWEST_DIFFERENT:
        return f"made of {len(set(secret))} different characters"
    return None
