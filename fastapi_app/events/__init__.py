"""Posts created, published, updated and deleted, told as they happen, whichever stack wrote them."""
