"""What `PYTHONPATH` names for servers that run at a case file's clock; nothing imports it as a package."""
