"""What another program would make."""

from django.db import migrations

TABLE = """
CREATE TABLE legacy_accounts (
    number bigint PRIMARY KEY,
    "Owner" varchar(80) NOT NULL,
    member_id integer REFERENCES lending_member DEFERRABLE INITIALLY DEFERRED
)
"""


class Migration(migrations.Migration):
    dependencies = [("lending", "0001_initial")]
    operations = [migrations.RunSQL(TABLE, "DROP TABLE legacy_accounts")]
