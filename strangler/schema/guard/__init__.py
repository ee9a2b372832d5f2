"""`strangler schema guard`: pending migrations, rehearsed on a clone and judged against the FastAPI that runs."""
