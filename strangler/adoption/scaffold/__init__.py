"""FastAPI's side of endpoints, written from what Django's views are made of."""
