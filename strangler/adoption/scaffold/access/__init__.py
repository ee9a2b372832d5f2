"""Who may ask FastAPI's side, and how often."""
