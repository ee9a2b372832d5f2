"""The commands on the example, whatever the environment and the checkout's `.env` say."""

import pytest

from strangler.project import VARIABLE
from strangler.settings import LocalSettings
from tests.example import example_file


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in LocalSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    # `.env` is read beside the project file.
    monkeypatch.setenv(VARIABLE, str(example_file(tmp_path_factory.mktemp("project"))))
