"""The app that limits sign-ins by the name that is given: put `strangler_django.sign_in` into INSTALLED_APPS."""
