"""What FastAPI knows of Django is what Django says today."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import django.contrib.auth
import pytest
from django.core.management import call_command

from fastapi_app.consumer import CONSUMER_FILE as CONSUMER
from shared_schema.consumer.consumer import load_consumer
from strangler.settings import base_environment
from strangler_fastapi.auth.password_validation import common_passwords
from tests.example import CONTRACT_FILE, ROOT


def test_the_contract_file_is_what_django_exports(tmp_path: Path) -> None:
    call_command("export_schema", output=tmp_path / "contract.json")
    exported = (tmp_path / "contract.json").read_text()
    hint = "run `python django_app/manage.py export_schema --output fastapi_app/contract.json` and review the diff"
    assert json.loads(CONTRACT_FILE.read_text()) == json.loads(exported), hint
    assert CONTRACT_FILE.read_text() == exported, hint


@pytest.mark.long
@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_consumers_file_is_what_the_features_send(seed: str, tmp_path: Path) -> None:
    """In a process of its own, where the classes are mapped on the contract's tables; the same in each."""
    file = tmp_path / "consumer.json"
    argv = [sys.executable, "-m", "fastapi_app.consumer", "--output", str(file)]
    subprocess.run(argv, cwd=ROOT, env=base_environment() | {"PYTHONHASHSEED": seed}, check=True)  # noqa: S603 - ours
    hint = "run `python -m fastapi_app.consumer` and review the diff"
    derived, written = load_consumer(file), load_consumer(CONSUMER)
    for name in sorted({*derived.features, *written.features}):
        assert derived.features.get(name) == written.features.get(name), f"{name}: {hint}"
    assert file.read_text() == CONSUMER.read_text(), hint


def test_the_common_passwords_are_djangos() -> None:
    file = Path(django.contrib.auth.__file__).with_name("common-passwords.txt.gz")
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        assert {line.strip() for line in lines} == common_passwords()
