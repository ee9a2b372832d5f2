"""What the feature sends to the database, with samples of values."""

from fastapi_app.admin.site import ADMIN

feature_statements = ADMIN.statements
