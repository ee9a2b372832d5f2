"""The handover of the schema from Django's migrations to Alembic."""
