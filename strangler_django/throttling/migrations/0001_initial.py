"""The table of what throttles have counted."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds the table."""

    initial = True

    dependencies: ClassVar = []

    operations: ClassVar = [
        migrations.CreateModel(
            name="ThrottleHistory",
            fields=[
                ("cache_key", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("history", ArrayField(models.DateTimeField())),
                ("expires", models.DateTimeField(db_index=True)),
            ],
            options={"db_table": "strangler_throttle_histories"},
        ),
    ]
