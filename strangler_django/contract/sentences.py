"""Errors of libraries, in one line."""


def first_line(error: BaseException) -> str:
    """The first line of an error, without lines that quote statements and rows; its name if it is empty."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".: ") if lines else type(error).__name__
