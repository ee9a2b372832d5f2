"""The depot's management commands."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    os.environ["DJANGO_SETTINGS_MODULE"] = os.environ.get("DEPOT_SETTINGS", "tests.depot.settings")
    execute_from_command_line(sys.argv)
