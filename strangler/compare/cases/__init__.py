"""What to ask: written by people, read from logs and recordings, or made from an OpenAPI document."""
