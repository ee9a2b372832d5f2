"""The files of the worked example."""

from pathlib import Path
from typing import Final

_SERVICE: Final = Path(__file__).parents[1] / "fastapi_app"
CONTRACT_FILE: Final = _SERVICE / "contract.json"
DECLARED_FILE: Final = _SERVICE / "declared_differences.toml"
