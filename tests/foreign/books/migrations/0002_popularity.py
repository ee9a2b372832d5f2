"""The view that the unmanaged model `Popularity` reads."""

from django.db import migrations

VIEW = """
CREATE VIEW books_popularity AS
SELECT item.id AS item_id, count(loan.id) AS loans
FROM books_item AS item
LEFT JOIN lending_copy AS copy ON copy.item_id = item.id
LEFT JOIN lending_loan AS loan ON loan.copy_id = copy.id
GROUP BY item.id
"""


class Migration(migrations.Migration):
    dependencies = [("books", "0001_initial"), ("lending", "0001_initial")]
    operations = [migrations.RunSQL(VIEW, "DROP VIEW books_popularity")]
