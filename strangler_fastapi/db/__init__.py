"""The database side of a service: its engine, the session of a request, and compiled queries."""
