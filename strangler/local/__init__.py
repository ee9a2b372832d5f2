"""The whole deployment as child processes on this machine: PostgreSQL, both stacks and nginx."""
