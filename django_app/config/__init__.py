"""Settings, URLs and the WSGI entry of the legacy service."""
