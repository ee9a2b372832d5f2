"""Another team's Django project, a library, with what real projects have and the example lacks; imports no stack."""
