"""How sentences count."""


def many(count: int, noun: str) -> str:
    """So many of them: `1 case`, `2,000 cases`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
