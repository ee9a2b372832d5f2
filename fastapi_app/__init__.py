"""The new service: FastAPI on /api/v2, over the tables that Django owns. Imports no Django."""
