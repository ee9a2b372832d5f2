"""What the feature sends to the database, with samples of values."""

from tests.shop.wares.serializers import WARES

feature_statements = WARES.statements
