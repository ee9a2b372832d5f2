"""The database side of a deployment: who may do what with which table."""
