"""What operators do by `python -m fastapi_app COMMAND`: the same as the commands of Django's manage.py."""
