"""What happened to posts, told by the database itself, so that it makes no difference which stack wrote.

Statement triggers with transition tables: 5,000 rows of a COPY cost one INSERT and one NOTIFY, not 5,000.
"""

from django.db import migrations, models

# SECURITY DEFINER: whoever may write posts need not be able to write their events.
# A notification says only that there is something to read. PostgreSQL lets one transaction at a time commit with one:
# 16 writers made 1,600 posts a second where each notified, 3,900 where none did. So of those at work together only one
# does; readers look again a moment later for what the others commit.
# Every 1,000th event takes those away that are more than 100,000 behind it, 2,000 at a time. SKIP LOCKED: two writers
# who do so at the same time never wait for each other.
EVENTS = """
CREATE FUNCTION post_events_tell(first bigint, last bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF last IS NULL THEN
        RETURN;
    END IF;
    IF pg_try_advisory_xact_lock('post_events'::regclass::oid::integer, 0) THEN
        PERFORM pg_notify('post_events', '');
    END IF;
    IF (first - 1) / 1000 < last / 1000 THEN
        DELETE FROM post_events WHERE id = ANY (ARRAY(
            SELECT id FROM post_events WHERE id <= last - 100000
            ORDER BY id LIMIT 2 * (last - first) + 2000 FOR UPDATE SKIP LOCKED
        ));
    END IF;
END $$;
REVOKE ALL ON FUNCTION post_events_tell(bigint, bigint) FROM PUBLIC;
"""

# An UPDATE that changes nothing is no event: publishing twice, or Django's save() of the same values.
# Whoever deletes a post takes its tags away first: of the two only the end is told, unless others could see the post
# before the transaction hid it from them.
POSTS = """
CREATE FUNCTION post_events_of_posts() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    this_transaction CONSTANT bigint := pg_current_xact_id()::text::bigint;
    first bigint;
    last bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        WITH told AS (
            INSERT INTO post_events (kind, post_id, author_id, was_author_id, published, was_published,
                                     transaction_id, created_at)
            SELECT 'created', id, author_id, author_id, published, published, this_transaction, statement_timestamp()
            FROM new_rows ORDER BY id
            RETURNING id
        ) SELECT min(id), max(id) INTO first, last FROM told;
    ELSIF TG_OP = 'UPDATE' THEN
        WITH told AS (
            INSERT INTO post_events (kind, post_id, author_id, was_author_id, published, was_published,
                                     transaction_id, created_at)
            SELECT CASE WHEN now.published AND NOT was.published THEN 'published' ELSE 'updated' END,
                   id, now.author_id, was.author_id, now.published, was.published,
                   this_transaction, statement_timestamp()
            FROM new_rows AS now JOIN old_rows AS was USING (id)
            WHERE now IS DISTINCT FROM was ORDER BY id
            RETURNING id
        ) SELECT min(id), max(id) INTO first, last FROM told;
    ELSE
        DELETE FROM post_events
        WHERE transaction_id = this_transaction AND kind = 'updated' AND post_id IN (SELECT id FROM old_rows)
        AND published = was_published AND author_id = was_author_id;
        WITH told AS (
            INSERT INTO post_events (kind, post_id, author_id, was_author_id, published, was_published,
                                     transaction_id, created_at)
            SELECT 'deleted', id, author_id, author_id, false, published, this_transaction, statement_timestamp()
            FROM old_rows ORDER BY id
            RETURNING id
        ) SELECT min(id), max(id) INTO first, last FROM told;
    END IF;
    PERFORM post_events_tell(first, last);
    RETURN NULL;
END $$;
CREATE TRIGGER post_events_insert AFTER INSERT ON posts REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION post_events_of_posts();
CREATE TRIGGER post_events_update AFTER UPDATE ON posts REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION post_events_of_posts();
CREATE TRIGGER post_events_delete AFTER DELETE ON posts REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION post_events_of_posts();
"""

# A post's tags are part of it. A post that this transaction has an event of already needs no second one.
TAGS = """
CREATE FUNCTION post_events_of_tags() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    this_transaction CONSTANT bigint := pg_current_xact_id()::text::bigint;
    untold CONSTANT bigint[] := ARRAY(
        SELECT post_id FROM changed_rows EXCEPT SELECT post_id FROM post_events WHERE transaction_id = this_transaction
    );
    first bigint;
    last bigint;
BEGIN
    IF untold = '{}' THEN
        RETURN NULL;
    END IF;
    WITH told AS (
        INSERT INTO post_events (kind, post_id, author_id, was_author_id, published, was_published,
                                 transaction_id, created_at)
        SELECT 'updated', id, author_id, author_id, published, published, this_transaction, statement_timestamp()
        FROM posts WHERE id = ANY (untold) ORDER BY id
        RETURNING id
    ) SELECT min(id), max(id) INTO first, last FROM told;
    PERFORM post_events_tell(first, last);
    RETURN NULL;
END $$;
CREATE TRIGGER post_events_insert AFTER INSERT ON blog_post_tags REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION post_events_of_tags();
CREATE TRIGGER post_events_delete AFTER DELETE ON blog_post_tags REFERENCING OLD TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION post_events_of_tags();
"""

UNDO = """
DROP FUNCTION post_events_of_tags() CASCADE;
DROP FUNCTION post_events_of_posts() CASCADE;
DROP FUNCTION post_events_tell(bigint, bigint);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('blog', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='PostEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('created', 'created'), ('published', 'published'), ('updated', 'updated'), ('deleted', 'deleted')], max_length=9)),
                ('post_id', models.BigIntegerField()),
                ('author_id', models.BigIntegerField()),
                ('was_author_id', models.BigIntegerField()),
                ('published', models.BooleanField()),
                ('was_published', models.BooleanField()),
                ('transaction_id', models.BigIntegerField()),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'post_events',
                'ordering': ('transaction_id', 'id'),
                'default_permissions': (),
                'indexes': [models.Index(fields=['transaction_id', 'id'], name='post_events_order')],
            },
        ),
        migrations.RunSQL(EVENTS + POSTS + TAGS, UNDO),
    ]
