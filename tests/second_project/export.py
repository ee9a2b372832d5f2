"""Writes the shop's consumer file: `python -m tests.second_project.export`."""

from collections.abc import Iterator

from shared_schema.consumer.derivation import derive_consumer, render_consumer
from shared_schema.consumer.samples import Sent
from strangler_fastapi.drf.resources.sample_queries import as_sample
from tests.second_project.service import CONSUMER_FILE, PRODUCTS, SHOP, product_criteria


def statements() -> Iterator[Sent]:
    """Every statement that the service can send."""
    yield as_sample(PRODUCTS.rows((), ("sku",)))
    yield as_sample(PRODUCTS.rows(product_criteria("sample")))


def consumer_text() -> str:
    """The file's content."""
    return render_consumer(derive_consumer(SHOP, SHOP.contract, {"products": statements}))


if __name__ == "__main__":
    CONSUMER_FILE.write_text(consumer_text(), encoding="utf-8")
