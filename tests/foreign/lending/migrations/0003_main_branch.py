"""The branch that defaults name is there from the first day."""

from django.db import migrations


def make_branch(apps, schema_editor):
    apps.get_model("lending", "Branch").objects.get_or_create(name="main")


class Migration(migrations.Migration):
    dependencies = [("lending", "0002_legacy_accounts")]
    operations = [migrations.RunPython(make_branch, migrations.RunPython.noop, elidable=True)]
