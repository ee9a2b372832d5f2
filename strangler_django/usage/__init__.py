"""What of Django a project still uses, besides its endpoints."""
