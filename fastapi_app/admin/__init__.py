"""The admin at `/admin/`: Django's, once Django is gone."""
