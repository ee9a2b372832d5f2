"""A request as DRF reads it, and an answer as it is negotiated and written."""
