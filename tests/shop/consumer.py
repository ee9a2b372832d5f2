"""Writes the shop's consumer file: `python -m tests.shop.consumer --output FILE`."""

from pathlib import Path

import tests.shop
from strangler_fastapi.export_consumer import export_consumer
from tests.shop.models import SHOP

if __name__ == "__main__":
    export_consumer(tests.shop, SHOP, file=Path(__file__).with_name("consumer.json"))
