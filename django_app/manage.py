"""Django's command line: `python django_app/manage.py <command>`."""

import os
import sys
from pathlib import Path

# Python puts this file's folder first, where `config` and `blog` would be packages of their own: the root is wanted.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from django.core.management import execute_from_command_line  # noqa: E402 - needs the path above

from django_app.config.environment import EnvironmentInvalidError  # noqa: E402 - the same


def main() -> None:
    """Run the command that the arguments name; a bad environment is one sentence and exit code 2."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_app.config.settings")
    try:
        execute_from_command_line(sys.argv)
    except EnvironmentInvalidError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the logs are not configured yet
        sys.exit(2)


if __name__ == "__main__":
    main()
