"""The admin's sign-in, limited by name: `admin.site.login_form = LimitedAuthenticationForm`."""

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError

from strangler_django.hashers import hashing_admit
from strangler_django.sign_in.attempts import attempt_begin, attempts_forget


class LimitedAuthenticationForm(AdminAuthenticationForm):
    """Django's, with the attempts of the API counted in."""

    def clean(self) -> dict[str, Any]:
        """Who signs in, unless there were too many attempts by that name."""
        name = self.cleaned_data.get("username")
        if name and self.cleaned_data.get("password"):
            hashing_admit()
            if wait := attempt_begin(name):
                raise ValidationError(f"Too many attempts: try again in {wait} seconds.", code="throttled")
            cleaned = super().clean()
            attempts_forget(name)
            return cleaned
        return super().clean()
