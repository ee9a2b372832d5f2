"""The fields of a serializer, as FastAPI's side declares them."""
