from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("relay", "0012_task_tenant_index")]

    operations = [
        migrations.AddIndex(
            model_name="callback",
            index=models.Index(
                fields=["tenant", "state", "-id"],
                name="callback_lost",
                condition=Q(state__in=("given_up", "held_back")),
            ),
        ),
    ]
