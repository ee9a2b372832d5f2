"""Two documents of one API are held together whatever prefix the paths of either have."""

import json
from pathlib import Path

import pytest

from strangler.cli.openapi_diff import documents_compare
from tests.example import example_settings


def document(file: Path, prefix: str, *names: str) -> str:
    paths = {f"{prefix}/{name}/": {"get": {"responses": {"200": {"description": "all"}}}} for name in names}
    file.write_text(json.dumps({"openapi": "3.1.0", "paths": paths}))
    return str(file)


@pytest.mark.parametrize("prefix", ["/api", "/api/v2"])
def test_a_document_that_is_named_may_be_of_either_version(
    tmp_path: Path, prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    left = document(tmp_path / "left.json", "/api", "posts", "tags")
    settings = example_settings()
    right = document(tmp_path / "right.json", prefix, "posts", "tags")
    assert documents_compare(left, right, settings) == 0
    assert documents_compare(left, document(tmp_path / "less.json", prefix, "tags"), settings) == 1
    assert "GET /posts/: is missing" in capsys.readouterr().out
