"""What the feature sends to the database, with samples of values."""

from tests.shop.crates.serializers import CRATES

feature_statements = CRATES.statements
