"""Who borrows it."""
