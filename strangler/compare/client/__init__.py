"""The HTTP client of a comparison: requests, responses, who signs in, and what may fail."""
