"""Views whose lists are narrowed in every way that django-filter and DRF have, for the scaffold to write."""
