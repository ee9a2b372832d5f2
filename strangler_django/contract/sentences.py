"""Errors of libraries, in one line."""


def first_line(error: BaseException) -> str:
    """What an error says, without the lines that quote statements and rows; its name if it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".: ") if lines else type(error).__name__
