"""Generated views over rows: their tables, relations and requests, of DRF and of the library alike."""
