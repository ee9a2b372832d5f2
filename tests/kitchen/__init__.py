"""Recipes that users like, rate and follow the authors of: what an API shows and takes is another for each caller."""
