"""What handlers of a project's own do with a request, read from their code as actions of DRF's."""
