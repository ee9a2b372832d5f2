"""What FastAPI knows of Django is what Django says today."""

import gzip
import json
from pathlib import Path

import django.contrib.auth
from django.core.management import call_command

from fastapi_app.users.passwords import common_passwords
from shared_schema.contract import FILE


def test_the_contract_file_is_what_django_exports(tmp_path: Path) -> None:
    call_command("export_schema", output=tmp_path / "contract.json")
    exported = (tmp_path / "contract.json").read_text()
    hint = "run `python django_app/manage.py export_schema --output shared_schema/contract.json` and review the diff"
    assert json.loads(FILE.read_text()) == json.loads(exported), hint
    assert FILE.read_text() == exported, hint


def test_the_common_passwords_are_djangos() -> None:
    file = Path(django.contrib.auth.__file__).with_name("common-passwords.txt.gz")
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        assert {line.strip() for line in lines} == common_passwords()
