"""Sources of cases: case files, access logs, recordings, and OpenAPI documents."""
