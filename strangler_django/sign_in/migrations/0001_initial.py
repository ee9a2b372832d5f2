"""The table of attempts."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds the table."""

    initial = True

    dependencies: ClassVar = []

    operations: ClassVar = [
        migrations.CreateModel(
            name="SignInAttempts",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("count", models.PositiveIntegerField()),
                ("since", models.DateTimeField(db_index=True)),
            ],
            options={"db_table": "strangler_sign_in_attempts"},
        ),
    ]
