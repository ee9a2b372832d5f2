"""From a project's own API to its first route: its endpoints, the routes file, what will be hard."""
