"""The page of the history: entries of `django_admin_log`, which nobody changes."""

from typing import Final

from strangler_fastapi.admin.history import ADDED, CHANGED, DELETED, AdminHistory
from strangler_fastapi.admin.models import AdminModel
from strangler_fastapi.drf.fields.choice_fields import ChoiceField
from strangler_fastapi.drf.fields.fields import ReadOnlyField
from strangler_fastapi.drf.fields.model_fields import model_field
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.drf.serializers import Serializer

_ACTIONS: Final = {ADDED: "added", CHANGED: "changed", DELETED: "deleted"}


def log_model(history: AdminHistory) -> AdminModel:
    """The entries, newest first."""
    entry = history.entry
    serializer = Serializer(
        "LogEntry",
        {
            "action_time": model_field(entry, "action_time"),
            "user": model_field(entry, "user_id"),
            "action_flag": ChoiceField(choices=_ACTIONS),
            "model": ReadOnlyField(type="string"),
            "object_id": ReadOnlyField(type="string"),
            "object_repr": model_field(entry, "object_repr"),
            "change_message": model_field(entry, "change_message"),
        },
    )
    resource = Resource(
        entry,
        serializer,
        annotations={"model": history.content_type_name},
        ordering=("-action_time",),
        ordering_fields=("action_time",),
        search_fields=("object_repr", "change_message"),
    )
    return AdminModel(
        resource=resource,
        text=lambda row: row.object_repr,
        list_display=("action_time", "user", "action_flag", "model", "object_id", "object_repr", "change_message"),
        list_filter=("action_time", "action_flag", "model", "object_id"),
        label="History",
        is_writable=False,
    )
