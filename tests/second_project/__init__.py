"""A second project, which has nothing of the example: other prefixes, another table of users, another login."""
