"""One page that shows how the move goes; it reads what the other commands keep, and moves nothing."""
