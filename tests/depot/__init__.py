"""A small Django REST API as a team has it before it begins: no routes file, no contract, no FastAPI."""
