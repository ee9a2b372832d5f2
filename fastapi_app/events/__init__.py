"""Posts created, published, updated and deleted, sent as they happen, whichever stack wrote them."""
