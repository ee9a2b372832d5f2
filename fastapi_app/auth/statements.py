"""What the feature sends to the database, with samples of values."""

from fastapi_app.auth.accounts import TOKEN_TABLES

feature_statements = TOKEN_TABLES.statements
# Of every feature that identifies its callers.
identity_statements = TOKEN_TABLES.identity_statements
