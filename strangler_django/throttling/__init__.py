"""Has DRF's throttles count in a table of PostgreSQL, in which FastAPI counts too: put it into INSTALLED_APPS."""
