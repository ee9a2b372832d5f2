"""Which statements of a running service a change of the catalog breaks."""
