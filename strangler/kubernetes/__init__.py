"""Manifests of a Kubernetes cluster, rendered from the project file and the routes file."""
