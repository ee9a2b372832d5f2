"""A small service that is not the blog: one resource of plain columns, with a mapping and a contract of its own."""
