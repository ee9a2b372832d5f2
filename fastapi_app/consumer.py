"""Writes `consumer.json`: `python -m fastapi_app.consumer`, after a statement or the contract has changed."""

from pathlib import Path
from typing import Final

import fastapi_app
from fastapi_app.models import BLOG
from strangler_fastapi.export_consumer import export_consumer

CONSUMER_FILE: Final = Path(__file__).with_name("consumer.json")

if __name__ == "__main__":
    export_consumer(fastapi_app, BLOG, file=CONSUMER_FILE)
