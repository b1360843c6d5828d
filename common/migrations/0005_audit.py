"""Who did what, append-only like the ledger."""

from django.db import migrations, models

APPEND_ONLY = """
CREATE FUNCTION refuse_to_rewrite_the_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit entries are append-only: % is refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON common_auditentry
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_the_audit();
"""
UNDO_APPEND_ONLY = """
DROP TRIGGER audit_is_append_only ON common_auditentry;
DROP FUNCTION refuse_to_rewrite_the_audit();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("common", "0004_site_settings"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_default=models.Func(function="clock_timestamp"))),
                ("actor", models.CharField(max_length=150)),
                (
                    "actor_kind",
                    models.CharField(
                        choices=[
                            ("key", "Key"),
                            ("person", "Person"),
                            ("system", "System"),
                            ("command", "Command"),
                        ],
                        max_length=7,
                    ),
                ),
                ("is_site", models.BooleanField()),
                ("user_id", models.BigIntegerField(null=True)),
                ("acting_as", models.CharField(blank=True, max_length=150)),
                ("tenant_id", models.BigIntegerField(null=True)),
                ("deed", models.CharField(help_text="As in patch channel.", max_length=64)),
                ("object_kind", models.CharField(max_length=32)),
                ("object_id", models.CharField(blank=True, max_length=64)),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                ("why", models.CharField(blank=True, max_length=200)),
                ("via", models.CharField(blank=True, max_length=7)),
                ("address", models.CharField(blank=True, max_length=45)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("user_agent", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["tenant_id", "id"], name="audit_of_tenant"),
                    models.Index(fields=["actor", "id"], name="audit_by_actor"),
                    models.Index(fields=["object_kind", "object_id", "id"], name="audit_of_object"),
                    models.Index(fields=["at", "id"], name="audit_at"),
                ],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, UNDO_APPEND_ONLY),
    ]
