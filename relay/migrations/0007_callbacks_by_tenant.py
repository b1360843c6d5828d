"""Lists of a tenant's callbacks, newest first, without sorting them all."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("relay", "0006_proof_nights")]
    operations = [
        migrations.AddIndex(
            model_name="callback",
            index=models.Index(fields=["tenant", "-id"], name="callback_by_tenant"),
        ),
        migrations.AlterField(
            model_name="callback",
            name="tenant",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                to="billing.tenant",
            ),
        ),
    ]
