"""What changed in a task when, and the attempts at channels by hours.

A trigger writes the history, so that every statement that changes a status or a progress does, in
the same version of the row. What a submit itself changes (the status SUBMITTED) stands in its
attempts, and costs nothing here.
"""

import django.db.models.deletion
from django.db import migrations, models

WATCH = """
CREATE FUNCTION note_task_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.history := OLD.history || (extract(epoch FROM clock_timestamp()) * 1000)::bigint
                   || ' ' || NEW.status || ' ' || NEW.progress || E'\\n';
    RETURN NEW;
END $$;
CREATE TRIGGER task_history BEFORE UPDATE OF status, progress ON relay_task FOR EACH ROW
WHEN (
    ((NEW.status <> OLD.status AND NEW.status <> 'SUBMITTED') OR NEW.progress <> OLD.progress)
    AND (length(OLD.history) < 1500 OR NEW.status IN ('SUCCESS', 'FAILURE', 'CANCEL'))
)
EXECUTE FUNCTION note_task_change();
"""
UNDO = "DROP TRIGGER task_history ON relay_task; DROP FUNCTION note_task_change();"


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0008_probing"),
        ("relay", "0010_operator_code"),
    ]
    operations = [
        migrations.AddField(
            model_name="task",
            name="history",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="Changes of status and progress, one a line: milliseconds since 1970, "
                "status, percent.",
            ),
        ),
        migrations.RunSQL(WATCH, UNDO),
        migrations.CreateModel(
            name="AttemptHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField(help_text="When it began (UTC).")),
                (
                    "bucket",
                    models.SmallIntegerField(help_text="Milliseconds, by powers of two."),
                ),
                ("number", models.IntegerField()),
                ("good", models.IntegerField(help_text="Accepted, or asked to confirm.")),
                ("faults", models.IntegerField(help_text="The channel's own fault.")),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="channels.channel",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("hour", "channel", "bucket"),
                        name="attempt_hour_is_unique",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
    ]
