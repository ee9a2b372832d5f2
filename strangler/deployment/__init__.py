"""The composition root: puts gateway, rollout, databases, schema and compare together for one project."""
