"""`strangler schema guard`: pending migrations, rehearsed on a clone and checked against the FastAPI that runs."""
