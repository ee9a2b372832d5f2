"""Which rows a view answers, in which order, and by which parameters."""
