"""Where the documents of management commands are written."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError


def write_document(command: BaseCommand, text: str, output: Path | None) -> None:
    """Write `text` to the file `output`, or to the command's standard output without one.

    Raises:
        CommandError: the file can't be written.
    """
    if output is None:
        command.stdout.write(text, ending="")
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        msg = f"{output} cannot be written ({error.strerror}): give --output another path."
        raise CommandError(msg) from error
