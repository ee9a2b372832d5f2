"""Django's command line of the library: `python tests/foreign/manage.py <command>`."""

import os
import sys
from pathlib import Path

# Python puts this file's folder first, where the apps would be packages of their own: the root is wanted.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from django.core.management import execute_from_command_line  # noqa: E402 - needs the path above

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.foreign.settings")
    execute_from_command_line(sys.argv)
