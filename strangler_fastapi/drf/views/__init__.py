"""A view: who may ask it, how often, its methods, and what is said of it."""
