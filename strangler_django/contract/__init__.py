"""What Django says of its tables and migrations, for those who use the tables without Django; fits any project."""
