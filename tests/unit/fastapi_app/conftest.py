"""How Hypothesis runs here."""

from hypothesis import settings

# A busy machine is no fault of the code: without a deadline, an example that takes long is not a failure.
settings.register_profile("patient", settings.get_profile(settings.get_current_profile_name()), deadline=None)
settings.load_profile("patient")
