from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0007_drafts_are_locked")]

    operations = [
        migrations.AddIndex(
            model_name="topup",
            index=models.Index(
                models.F("created_at"),
                condition=models.Q(("state", "pending")),
                name="top_up_pending",
            ),
        ),
    ]
