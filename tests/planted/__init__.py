"""FastAPI with a fault planted in it."""
