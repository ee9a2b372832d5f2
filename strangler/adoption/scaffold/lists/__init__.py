"""What FastAPI's side declares of a list: its filters, its orders, its pages."""
