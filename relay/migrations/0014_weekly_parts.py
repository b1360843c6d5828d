"""Tasks, attempts and callbacks lie in parts by the weeks of their tasks, so that what is old can
be dropped as a whole and does not slow down what is new."""

import django.db.models.deletion
from django.db import migrations, models

from common.partitions import conversion
from common.partitions.parts import Partitioned

TABLES = (
    Partitioned("relay_task", "id"),
    Partitioned("relay_attempt", "task_id"),
    Partitioned("relay_callback", "task_id"),
    Partitioned("relay_callbackattempt", "task_id"),
)
KNOW_THE_TASK = """
UPDATE relay_callbackattempt attempt SET task_id = callback.task_id
FROM relay_callback callback WHERE callback.id = attempt.callback_id;
"""


def convert(apps: object, schema_editor: object) -> None:
    for table in TABLES:
        conversion.by_week(table)


class Migration(migrations.Migration):
    dependencies = [("relay", "0013_lost_callbacks")]
    operations = [
        migrations.AlterField(
            model_name="callbackattempt",
            name="callback",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attempts",
                to="relay.callback",
            ),
        ),
        migrations.AddField(
            model_name="callbackattempt",
            name="task",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                default=0,
                on_delete=django.db.models.deletion.PROTECT,
                to="relay.task",
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(KNOW_THE_TASK, migrations.RunSQL.noop),
        migrations.RunPython(convert),
    ]
